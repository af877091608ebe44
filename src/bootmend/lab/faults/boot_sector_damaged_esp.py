"""The boot sector of the EFI system partition is overwritten; FAT32 keeps a copy in sector 6."""

from __future__ import annotations

from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.faults.sectors import nothing_boots, overwrite
from bootmend.lab.open_machine import OpenMachine

_NAME = "boot-sector-damaged-esp"


def _apply(machine: OpenMachine) -> Outcome:
    overwrite(machine, _NAME, machine.system_partition.start, bytes(512))
    return nothing_boots(f"partition {machine.manifest.system_partition}")


FAULT = Fault(
    name=_NAME,
    description="the boot sector of the EFI system partition is overwritten; its copy is sound",
    expect="boot_sector",
    apply=_apply,
    generations=(2,),
    last=True,
)
