"""The boot sector of the active partition keeps its geometry and loses its code; its copy has both."""

from __future__ import annotations

from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.faults.sectors import nothing_boots, overwrite
from bootmend.lab.open_machine import OpenMachine

_NAME = "boot-sector-no-code"
_CODE, _END = 0x54, 0x1FE


def _apply(machine: OpenMachine) -> Outcome:
    overwrite(machine, _NAME, machine.system_partition.start + _CODE, bytes(_END - _CODE))
    return nothing_boots(f"partition {machine.manifest.system_partition} boot code")


FAULT = Fault(
    name=_NAME,
    description="the boot sector of the active partition has no code; its copy has",
    expect="boot_sector",
    apply=_apply,
    generations=(1,),
)
