"""bootmgfw.efi is deleted, and the fallback that the firmware knows is still there."""

from __future__ import annotations

from bootmend.errors import Misuse
from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.open_machine import OpenMachine
from bootmend.texts import say

_NAME = "boot-manager-missing-one-name"
_PATH = "\\EFI\\Microsoft\\Boot\\bootmgfw.efi"


def _apply(machine: OpenMachine) -> Outcome:
    if not machine.system.exists(_PATH):
        raise Misuse(say("lab.no_victim", name=_NAME, why="it is gone already"))
    machine.system.delete(_PATH)
    return Outcome(subject="bootmgfw.efi", touched=(f"{machine.manifest.system_partition}:{_PATH}",))


FAULT = Fault(
    name=_NAME,
    description="bootmgfw.efi is gone; the firmware can still take the fallback bootx64.efi",
    expect="boot_manager_missing",
    apply=_apply,
    severity="risk",
    generations=(2,),
)
