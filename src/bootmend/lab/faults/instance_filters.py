"""A tool was removed by hand: its filter still stands at the bus that the boot disk hangs on."""

from __future__ import annotations

from bootmend.formats.hive import Hive, ValueType, multi_sz
from bootmend.lab.contents import CONFIG
from bootmend.lab.faults.fault import STOP_INACCESSIBLE_BOOT_DEVICE, Fault, Outcome, registry_fault
from bootmend.lab.open_machine import OpenMachine

_GONE = "labbus"


def _apply(machine: OpenMachine) -> Outcome:
    hive = Hive.parse(machine.windows.read(f"{CONFIG}\\SYSTEM"), "SYSTEM")
    buses = [f"{machine.control_set}\\Enum\\ACPI\\{name}\\0" for name in ("VMBus", "MSFT1000")]
    with machine.edit_hive("SYSTEM") as editor:
        for bus in buses:
            if hive.key(bus) is not None:
                editor.set_value(bus, "LowerFilters", ValueType.MULTI_SZ, multi_sz([_GONE]))
    return registry_fault(machine, _GONE, stop=STOP_INACCESSIBLE_BOOT_DEVICE)


FAULT = Fault(
    name="instance-filters",
    description="the bus that the boot disk hangs on names a filter whose service is gone",
    expect="instance_filters",
    apply=_apply,
)
