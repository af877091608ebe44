"""The service of a driver that every boot needs was deleted; its file is there."""

from __future__ import annotations

from bootmend.lab.faults.fault import STOP_INACCESSIBLE_BOOT_DEVICE, Fault, Outcome, registry_fault
from bootmend.lab.open_machine import OpenMachine


def _apply(machine: OpenMachine) -> Outcome:
    with machine.edit_hive("SYSTEM") as editor:
        editor.delete_key(f"{machine.control_set}\\Services\\volmgr")
    return registry_fault(machine, "volmgr", stop=STOP_INACCESSIBLE_BOOT_DEVICE)


FAULT = Fault(
    name="boot-driver-start-gone",
    description="the service of the volume manager is gone; its file is there",
    expect="boot_driver_start",
    apply=_apply,
)
