"""A Windows Server 2012 R2 in Azure that has only seen hosts with the old names of Hyper-V's bus."""

from __future__ import annotations

from dataclasses import replace

from bootmend.formats.hive import ValueType, sz
from bootmend.lab.contents import CONFIG
from bootmend.lab.faults.fault import STOP_INACCESSIBLE_BOOT_DEVICE, Fault, Outcome, registry_fault
from bootmend.lab.open_machine import OpenMachine

_VERSION = "Microsoft\\Windows NT\\CurrentVersion"


def _apply(machine: OpenMachine) -> Outcome:
    acpi = f"{machine.control_set}\\Enum\\ACPI"
    with machine.edit_hive("SYSTEM") as editor:
        for name in ("MSFT1000", "MSFT1002"):
            editor.delete_key(f"{acpi}\\{name}")
        editor.create_key(f"{machine.control_set}\\Services\\WindowsAzureGuestAgent")
    with machine.edit_hive("SOFTWARE") as editor:
        for name in ("CurrentBuild", "CurrentBuildNumber"):
            editor.set_value(_VERSION, name, ValueType.SZ, sz("9600"))
    outcome = registry_fault(machine, "MSFT1000", stop=STOP_INACCESSIBLE_BOOT_DEVICE)
    return replace(outcome, touched=(*outcome.touched, machine.address(f"{CONFIG}\\SOFTWARE")))


FAULT = Fault(
    name="hyperv-acpi-ids",
    description="Windows Server 2012 R2 does not know the bus of Hyper-V by its new name",
    expect="hyperv_acpi_ids",
    apply=_apply,
)
