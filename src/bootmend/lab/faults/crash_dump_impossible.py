"""Crash dumps are turned off."""

from __future__ import annotations

from bootmend.formats.hive import ValueType
from bootmend.lab.faults.fault import Fault, Outcome, registry_fault
from bootmend.lab.open_machine import OpenMachine
from bootmend.lab.registry_text import dword


def _apply(machine: OpenMachine) -> Outcome:
    key = f"{machine.control_set}\\Control\\CrashControl"
    with machine.edit_hive("SYSTEM") as editor:
        editor.create_key(key)
        editor.set_value(key, "CrashDumpEnabled", ValueType.DWORD, dword(0))
    return registry_fault(machine, "CrashControl")


FAULT = Fault(
    name="crash-dump-impossible",
    description="the machine starts, but a crash would leave no dump",
    expect="crash_dump_impossible",
    apply=_apply,
    repairable=False,
    severity="note",
)
