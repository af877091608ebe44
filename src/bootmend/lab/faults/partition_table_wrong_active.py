"""The Windows volume is marked active instead of the partition with the boot manager."""

from __future__ import annotations

from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.faults.sectors import nothing_boots, overwrite
from bootmend.lab.open_machine import OpenMachine

_NAME = "partition-table-wrong-active"
_SLOTS = 446


def _apply(machine: OpenMachine) -> Outcome:
    for number, flag in ((machine.manifest.system_partition, 0), (machine.manifest.windows_partition, 0x80)):
        overwrite(machine, _NAME, _SLOTS + 16 * (number - 1), bytes((flag,)))
    return nothing_boots("active_partition")


FAULT = Fault(
    name=_NAME,
    description="the Windows volume is marked active, and no boot manager stands on it",
    expect="partition_table",
    apply=_apply,
    generations=(1,),
)
