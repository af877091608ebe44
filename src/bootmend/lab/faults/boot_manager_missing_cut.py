"""bootmgr is cut off, as after a copy that did not come to its end."""

from __future__ import annotations

from bootmend.errors import Misuse
from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.open_machine import OpenMachine
from bootmend.texts import say

_NAME = "boot-manager-missing-cut"
_PATH = "\\bootmgr"
_LEFT = 2048


def _apply(machine: OpenMachine) -> Outcome:
    if not machine.system.exists(_PATH):
        raise Misuse(say("lab.no_victim", name=_NAME, why=f"{_PATH} is gone already"))
    machine.system.replace(_PATH, machine.system.read(_PATH)[:_LEFT])
    place = f"{machine.manifest.system_partition}:{_PATH}"
    return Outcome(subject="bootmgr", stops=True, screen="bios", touched=(place,))


FAULT = Fault(
    name=_NAME,
    description="bootmgr is cut off behind its first bytes",
    expect="boot_manager_missing",
    apply=_apply,
    generations=(1,),
)
