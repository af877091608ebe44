"""The boot manager is deleted from the system partition, under each name that the firmware knows."""

from __future__ import annotations

from bootmend.errors import Misuse
from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.open_machine import OpenMachine
from bootmend.texts import say

_NAME = "boot-manager-missing"
_NAMES = {1: ("\\bootmgr",), 2: ("\\EFI\\Microsoft\\Boot\\bootmgfw.efi", "\\EFI\\Boot\\bootx64.efi")}


def _apply(machine: OpenMachine) -> Outcome:
    paths = _NAMES[machine.manifest.generation]
    for path in paths:
        if not machine.system.exists(path):
            raise Misuse(say("lab.no_victim", name=_NAME, why=f"{path} is gone already"))
        machine.system.delete(path)
    return Outcome(
        subject=paths[0].rsplit("\\", 1)[-1],
        stops=True,
        screen="bios",
        touched=tuple(f"{machine.manifest.system_partition}:{path}" for path in paths),
    )


FAULT = Fault(
    name=_NAME,
    description="the boot manager is deleted from the system partition",
    expect="boot_manager_missing",
    apply=_apply,
)
