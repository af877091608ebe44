"""The master boot record has lost its signature 55 AA."""

from __future__ import annotations

from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.faults.sectors import nothing_boots, overwrite
from bootmend.lab.open_machine import OpenMachine

_NAME = "partition-table"


def _apply(machine: OpenMachine) -> Outcome:
    overwrite(machine, _NAME, 510, bytes(2))
    return nothing_boots("mbr_unsigned")


FAULT = Fault(
    name=_NAME,
    description="sector 0 has lost its signature 55 AA",
    expect="partition_table",
    apply=_apply,
    generations=(1,),
)
