"""The first copy of the GPT is overwritten; its backup is sound."""

from __future__ import annotations

from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.faults.sectors import overwrite
from bootmend.lab.open_machine import OpenMachine

_NAME = "partition-table-gpt-primary"


def _apply(machine: OpenMachine) -> Outcome:
    overwrite(machine, _NAME, 512, bytes(16384))
    return Outcome(subject="gpt_primary")


FAULT = Fault(
    name=_NAME,
    description="the first copy of the GPT is overwritten",
    expect="partition_table",
    apply=_apply,
    severity="risk",
    generations=(2,),
)
