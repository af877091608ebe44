"""The driver of NVMe disks was disabled on a machine that does not need it yet."""

from __future__ import annotations

from bootmend.formats.hive import ValueType
from bootmend.lab.faults.fault import Fault, Outcome, registry_fault
from bootmend.lab.open_machine import OpenMachine
from bootmend.lab.registry_text import dword


def _apply(machine: OpenMachine) -> Outcome:
    with machine.edit_hive("SYSTEM") as editor:
        editor.set_value(f"{machine.control_set}\\Services\\stornvme", "Start", ValueType.DWORD, dword(4))
    return registry_fault(machine, "stornvme")


FAULT = Fault(
    name="nvme-driver",
    description="the driver of NVMe disks is disabled",
    expect="nvme_driver",
    apply=_apply,
    severity="risk",
)
