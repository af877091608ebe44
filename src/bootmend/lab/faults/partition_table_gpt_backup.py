"""The backup of the GPT is overwritten."""

from __future__ import annotations

from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.faults.sectors import overwrite
from bootmend.lab.open_machine import OpenMachine

_NAME = "partition-table-gpt-backup"


def _apply(machine: OpenMachine) -> Outcome:
    overwrite(machine, _NAME, machine.device.size - 512, bytes(512))
    return Outcome(subject="gpt_backup")


FAULT = Fault(
    name=_NAME,
    description="the backup of the GPT is overwritten",
    expect="partition_table",
    apply=_apply,
    severity="risk",
    generations=(2,),
)
