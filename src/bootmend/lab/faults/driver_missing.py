"""A critical in-box driver's file is gone from System32; WinSxS still has it under its other name."""

from __future__ import annotations

from bootmend.lab.faults.fault import STATUS_OBJECT_NAME_NOT_FOUND, Fault, Outcome, broken
from bootmend.lab.open_machine import OpenMachine

_NAME = "driver-missing"


def _apply(machine: OpenMachine) -> Outcome:
    victim = machine.victim(
        _NAME,
        lambda binary: binary.owner == "inbox" and len(binary.same_file) > 1,
        "no in-box driver that is loaded at boot has a link in WinSxS",
    )
    machine.windows.delete(victim.path)
    return broken(
        machine,
        victim,
        STATUS_OBJECT_NAME_NOT_FOUND,
        [victim.path],
        sound_copies=[*victim.same_file[1:], *victim.spares],
        sha256=victim.sha256,
    )


FAULT = Fault(
    name=_NAME,
    description="a critical driver's file does not exist; WinSxS holds it",
    expect="driver_missing",
    apply=_apply,
)
