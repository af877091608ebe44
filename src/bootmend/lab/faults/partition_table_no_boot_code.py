"""Sector 0 holds its table and no boot code."""

from __future__ import annotations

from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.faults.sectors import nothing_boots, overwrite
from bootmend.lab.open_machine import OpenMachine

_NAME = "partition-table-no-boot-code"


def _apply(machine: OpenMachine) -> Outcome:
    overwrite(machine, _NAME, 0, bytes(440))
    return nothing_boots("boot_code")


FAULT = Fault(
    name=_NAME,
    description="sector 0 has no boot code",
    expect="partition_table",
    apply=_apply,
    repairable=False,
    generations=(1,),
)
