"""Somebody counted up the numbers in Select, as bad advice has it: there is no such control set."""

from __future__ import annotations

from bootmend.formats.hive import ValueType
from bootmend.lab.contents import CONFIG
from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.faults.kernel_status import STATUS_NOT_FOUND
from bootmend.lab.open_machine import OpenMachine
from bootmend.lab.registry_text import dword

_COUNTED_UP = {"Current": 7, "Default": 7, "LastKnownGood": 8, "Failed": 1}


def _apply(machine: OpenMachine) -> Outcome:
    with machine.edit_hive("SYSTEM") as editor:
        for name, number in _COUNTED_UP.items():
            editor.set_value("Select", name, ValueType.DWORD, dword(number))
    return Outcome(
        subject="ControlSet007",
        stops=True,
        status=STATUS_NOT_FOUND,
        screen="boot_manager",
        touched=(machine.address(f"{CONFIG}\\SYSTEM"),),
    )


FAULT = Fault(
    name="control-set-missing",
    description="Select names control sets that are not there; the only one there is stays unnamed",
    expect="control_set_missing",
    apply=_apply,
    accept=("only-control-set",),
    last=True,
)
