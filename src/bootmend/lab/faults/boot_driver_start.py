"""The driver of the adapter that the boot disk hangs on was disabled."""

from __future__ import annotations

from bootmend.formats.hive import ValueType
from bootmend.lab.faults.fault import STOP_INACCESSIBLE_BOOT_DEVICE, Fault, Outcome, registry_fault
from bootmend.lab.open_machine import OpenMachine
from bootmend.lab.registry_text import dword

_DISABLED = 4


def _apply(machine: OpenMachine) -> Outcome:
    with machine.edit_hive("SYSTEM") as editor:
        editor.set_value(f"{machine.control_set}\\Services\\storvsc", "Start", ValueType.DWORD, dword(_DISABLED))
    return registry_fault(machine, "storvsc", stop=STOP_INACCESSIBLE_BOOT_DEVICE)


FAULT = Fault(
    name="boot-driver-start",
    description="the driver of the boot disk's adapter is disabled",
    expect="boot_driver_start",
    apply=_apply,
)
