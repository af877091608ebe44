"""New disks are left offline."""

from __future__ import annotations

from bootmend.formats.hive import ValueType
from bootmend.lab.faults.fault import Fault, Outcome, registry_fault
from bootmend.lab.open_machine import OpenMachine
from bootmend.lab.registry_text import dword


def _apply(machine: OpenMachine) -> Outcome:
    key = f"{machine.control_set}\\Services\\partmgr\\Parameters"
    with machine.edit_hive("SYSTEM") as editor:
        editor.create_key(key)
        editor.set_value(key, "SanPolicy", ValueType.DWORD, dword(3))
    return registry_fault(machine, "SanPolicy")


FAULT = Fault(
    name="san-policy",
    description="disks that this Windows has not seen before stay offline",
    expect="san_policy",
    apply=_apply,
    accept=("san-policy",),
    severity="risk",
)
