"""The EFI system partition has the type of a basic data partition in both copies of the GPT."""

from __future__ import annotations

from uuid import UUID

from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.faults.sectors import nothing_boots, overwrite
from bootmend.lab.open_machine import OpenMachine
from bootmend.volumes.tables.gpt import retyped
from bootmend.volumes.tables.partition import BASIC_DATA

_NAME = "system-partition-unmarked"


def _apply(machine: OpenMachine) -> Outcome:
    number = machine.manifest.system_partition
    for patch in retyped(machine.device, 512, number, UUID(BASIC_DATA)):
        overwrite(machine, _NAME, patch.offset, patch.data)
    return nothing_boots("system_partition")


FAULT = Fault(
    name=_NAME,
    description="the EFI system partition is marked as one of data",
    expect="system_partition_missing",
    apply=_apply,
    generations=(2,),
    last=True,
)
