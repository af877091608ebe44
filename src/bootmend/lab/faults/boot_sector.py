"""The active partition's boot sector tells another place than its own, as after the partition was copied."""

from __future__ import annotations

from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.faults.sectors import nothing_boots, overwrite
from bootmend.lab.open_machine import OpenMachine

_NAME = "boot-sector"
_HIDDEN_SECTORS = 0x1C


def _apply(machine: OpenMachine) -> Outcome:
    overwrite(machine, _NAME, machine.system_partition.start + _HIDDEN_SECTORS, bytes(4))
    return nothing_boots(f"partition {machine.manifest.system_partition}")


FAULT = Fault(
    name=_NAME,
    description="the boot sector of the active partition does not say where it stands",
    expect="boot_sector",
    apply=_apply,
    generations=(1,),
)
