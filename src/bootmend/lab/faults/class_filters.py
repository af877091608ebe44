"""A backup product was removed by hand: its filter still stands in the list of all disks."""

from __future__ import annotations

from bootmend.formats.hive import Hive, ValueType, multi_sz
from bootmend.lab.contents import CONFIG
from bootmend.lab.faults.fault import STOP_INACCESSIBLE_BOOT_DEVICE, Fault, Outcome, registry_fault
from bootmend.lab.open_machine import OpenMachine

_DISK_DRIVE = "{4d36e967-e325-11ce-bfc1-08002be10318}"
_GONE = "labsnap"


def _apply(machine: OpenMachine) -> Outcome:
    path = f"{machine.control_set}\\Control\\Class\\{_DISK_DRIVE}"
    key = Hive.parse(machine.windows.read(f"{CONFIG}\\SYSTEM"), "SYSTEM").key(path)
    value = key.value("UpperFilters") if key is not None else None
    before = value.strings if value is not None else []
    with machine.edit_hive("SYSTEM") as editor:
        editor.set_value(path, "UpperFilters", ValueType.MULTI_SZ, multi_sz([_GONE, *before]))
    return registry_fault(machine, _GONE, stop=STOP_INACCESSIBLE_BOOT_DEVICE)


FAULT = Fault(
    name="class-filters",
    description="the list of disk filters names one whose service is gone",
    expect="class_filters",
    apply=_apply,
)
