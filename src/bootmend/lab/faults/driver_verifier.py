"""Somebody left Driver Verifier on, for every driver."""

from __future__ import annotations

from bootmend.formats.hive import ValueType, sz
from bootmend.lab.faults.fault import Fault, Outcome, registry_fault
from bootmend.lab.open_machine import OpenMachine
from bootmend.lab.registry_text import dword


def _apply(machine: OpenMachine) -> Outcome:
    key = f"{machine.control_set}\\Control\\Session Manager\\Memory Management"
    with machine.edit_hive("SYSTEM") as editor:
        editor.set_value(key, "VerifyDrivers", ValueType.SZ, sz("*"))
        editor.set_value(key, "VerifyDriverLevel", ValueType.DWORD, dword(0x9BB))
    return registry_fault(machine, "VerifyDrivers")


FAULT = Fault(
    name="driver-verifier",
    description="Driver Verifier watches every driver",
    expect="driver_verifier",
    apply=_apply,
    accept=("driver-verifier",),
    severity="risk",
)
