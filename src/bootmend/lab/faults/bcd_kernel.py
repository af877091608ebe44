"""The default entry names a kernel that does not exist."""

from __future__ import annotations

from bootmend.lab.faults.boot_store import STATUS_NO_SUCH_FILE, put, stopped, untouched_store
from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.open_machine import OpenMachine

_NAME = "bcd-kernel"


def _apply(machine: OpenMachine) -> Outcome:
    _, entry = untouched_store(machine, _NAME)
    with machine.edit_store() as editor:
        put(editor, entry, "kernel", "ntkrnlab.exe")
    return stopped(machine, STATUS_NO_SUCH_FILE, f"{entry.name} kernel")


FAULT = Fault(
    name=_NAME, description="the default entry names a kernel that does not exist", expect="bcd_kernel", apply=_apply
)
