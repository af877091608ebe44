"""Memory integrity, Credential Guard and LSA protection are on."""

from __future__ import annotations

from bootmend.formats.hive import ValueType
from bootmend.lab.faults.fault import Fault, Outcome, registry_fault
from bootmend.lab.open_machine import OpenMachine
from bootmend.lab.registry_text import dword


def _apply(machine: OpenMachine) -> Outcome:
    control = f"{machine.control_set}\\Control"
    integrity = f"{control}\\DeviceGuard\\Scenarios\\HypervisorEnforcedCodeIntegrity"
    with machine.edit_hive("SYSTEM") as editor:
        editor.create_key(integrity)
        editor.set_value(integrity, "Enabled", ValueType.DWORD, dword(1))
        editor.set_value(integrity, "Locked", ValueType.DWORD, dword(1))
        for name in ("LsaCfgFlags", "RunAsPPL"):
            editor.set_value(f"{control}\\Lsa", name, ValueType.DWORD, dword(1))
    return registry_fault(machine, "protections")


FAULT = Fault(
    name="protections",
    description="nothing is wrong: protections are on, and are told",
    expect="protections",
    apply=_apply,
    repairable=False,
    severity="note",
)
