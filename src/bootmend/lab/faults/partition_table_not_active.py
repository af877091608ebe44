"""No partition is marked active."""

from __future__ import annotations

from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.faults.sectors import nothing_boots, overwrite
from bootmend.lab.open_machine import OpenMachine

_NAME = "partition-table-not-active"


def _apply(machine: OpenMachine) -> Outcome:
    overwrite(machine, _NAME, 446, bytes(1))
    return nothing_boots("active_partition")


FAULT = Fault(
    name=_NAME,
    description="no partition is marked active",
    expect="partition_table",
    apply=_apply,
    generations=(1,),
)
