"""The driver of the boot disk's adapter is turned off for the hardware that the machine runs on."""

from __future__ import annotations

from bootmend.formats.hive import ValueType
from bootmend.lab.faults.fault import STOP_INACCESSIBLE_BOOT_DEVICE, Fault, Outcome, registry_fault
from bootmend.lab.open_machine import OpenMachine
from bootmend.lab.registry_text import dword

_ON_DEMAND = 3


def _apply(machine: OpenMachine) -> Outcome:
    key = f"{machine.control_set}\\Services\\vmbus\\StartOverride"
    with machine.edit_hive("SYSTEM") as editor:
        editor.create_key(key)
        editor.set_value(key, "0", ValueType.DWORD, dword(_ON_DEMAND))
    return registry_fault(machine, "vmbus", stop=STOP_INACCESSIBLE_BOOT_DEVICE)


FAULT = Fault(
    name="start-override",
    description="the driver of the bus that the boot disk hangs on is turned off for this hardware",
    expect="start_override",
    apply=_apply,
)
