"""UEFI's boot manager begins with zeros; Windows keeps its own copy in Windows\\Boot\\EFI."""

from __future__ import annotations

from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.open_machine import OpenMachine

_PATH = "\\EFI\\Microsoft\\Boot\\bootmgfw.efi"


def _apply(machine: OpenMachine) -> Outcome:
    machine.system.write_in_place(_PATH, 0, bytes(4096))
    return Outcome(
        subject="bootmgfw.efi",
        stops=True,
        screen="bios",
        touched=(f"{machine.manifest.system_partition}:{_PATH}",),
    )


FAULT = Fault(
    name="boot-file-damaged-manager",
    description="the EFI boot manager begins with zeros; Windows\\Boot\\EFI holds a sound copy",
    expect="boot_file_damaged",
    apply=_apply,
    generations=(2,),
)
