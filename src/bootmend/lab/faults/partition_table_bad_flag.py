"""The boot flag of the active partition has another value than 80 and 00."""

from __future__ import annotations

from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.faults.sectors import nothing_boots, overwrite
from bootmend.lab.open_machine import OpenMachine

_NAME = "partition-table-bad-flag"


def _apply(machine: OpenMachine) -> Outcome:
    overwrite(machine, _NAME, 446, b"\x08")
    return nothing_boots("active_partition")


FAULT = Fault(
    name=_NAME,
    description="the boot flag of the active partition is neither 00 nor 80",
    expect="partition_table",
    apply=_apply,
    generations=(1,),
)
