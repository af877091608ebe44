"""A boot sector is overwritten: the active partition's on generation 1, the Windows volume's on generation 2."""

from __future__ import annotations

from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.faults.sectors import overwrite
from bootmend.lab.open_machine import OpenMachine

_NAME = "boot-sector-damaged"


def _apply(machine: OpenMachine) -> Outcome:
    first = machine.manifest.generation == 1
    place = machine.system_partition if first else machine.windows_partition
    number = machine.manifest.system_partition if first else machine.manifest.windows_partition
    overwrite(machine, _NAME, place.start, bytes(512))
    return Outcome(subject=f"partition {number}", stops=True, screen="bios" if first else "boot_manager")


FAULT = Fault(
    name=_NAME,
    description="the boot sector of a volume on the way is overwritten; its copy is sound",
    expect="boot_sector",
    apply=_apply,
    last=True,
)
