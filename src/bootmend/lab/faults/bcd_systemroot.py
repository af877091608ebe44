"""The default entry names a Windows folder that does not exist."""

from __future__ import annotations

from bootmend.lab.faults.boot_store import edited
from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.open_machine import OpenMachine

_NAME = "bcd-systemroot"


def _apply(machine: OpenMachine) -> Outcome:
    return edited(machine, _NAME, "systemroot", "\\WINNT", None)


FAULT = Fault(
    name=_NAME,
    description="the default entry names a Windows folder that does not exist",
    expect="bcd_systemroot",
    apply=_apply,
)
