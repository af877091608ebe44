"""The default entry's devices are `boot`, the system partition, and Windows stands on another one."""

from __future__ import annotations

from bootmend.formats.bcd import BootDevice
from bootmend.lab.faults.boot_store import STATUS_NO_SUCH_FILE, put, stopped, untouched_store
from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.open_machine import OpenMachine

_NAME = "bcd-device-boot"


def _apply(machine: OpenMachine) -> Outcome:
    _, entry = untouched_store(machine, _NAME)
    with machine.edit_store() as editor:
        for name in ("device", "osdevice"):
            put(editor, entry, name, BootDevice())
    return stopped(machine, STATUS_NO_SUCH_FILE, entry.name)


FAULT = Fault(
    name=_NAME,
    description="the default entry looks for Windows on the system partition, where it is not",
    expect="bcd_device",
    apply=_apply,
)
