"""The GPT has lost its protective MBR."""

from __future__ import annotations

from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.faults.sectors import nothing_boots, overwrite
from bootmend.lab.open_machine import OpenMachine

_NAME = "partition-table-not-protected"


def _apply(machine: OpenMachine) -> Outcome:
    overwrite(machine, _NAME, 446, bytes(66))
    return nothing_boots("not_protected")


FAULT = Fault(
    name=_NAME,
    description="the GPT has lost its protective MBR",
    expect="partition_table",
    apply=_apply,
    generations=(2,),
)
