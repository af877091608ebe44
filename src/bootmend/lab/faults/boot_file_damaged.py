"""ci.dll is damaged, and so is its hard link in WinSxS; a superseded component has it whole."""

from __future__ import annotations

from bootmend.errors import Misuse
from bootmend.lab.faults.boot_file import named, stopped
from bootmend.lab.faults.fault import STATUS_INVALID_IMAGE_HASH, Fault, Outcome
from bootmend.lab.open_machine import OpenMachine
from bootmend.texts import say


def _apply(machine: OpenMachine) -> Outcome:
    victim = named(machine, "ci.dll")
    if not victim.spares:
        raise Misuse(say("lab.no_victim", name="boot-file-damaged", why="WinSxS holds no second copy of ci.dll"))
    machine.damage([victim.path])
    return stopped(machine, victim, STATUS_INVALID_IMAGE_HASH, victim.same_file)


FAULT = Fault(
    name="boot-file-damaged",
    description="ci.dll, which the kernel imports, is damaged; WinSxS holds a sound copy",
    expect="boot_file_damaged",
    apply=_apply,
)
