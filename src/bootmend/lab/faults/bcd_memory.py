"""Windows may use the first 16 MB of the memory alone."""

from __future__ import annotations

from bootmend.lab.faults.boot_store import put, stopped, untouched_store
from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.open_machine import OpenMachine

_NAME = "bcd-memory"
_STATUS_NO_MEMORY = 0xC0000017


def _apply(machine: OpenMachine) -> Outcome:
    _, entry = untouched_store(machine, _NAME)
    with machine.edit_store() as editor:
        put(editor, entry, "truncatememory", 16 << 20)
    return stopped(machine, _STATUS_NO_MEMORY, f"{entry.name} truncatememory")


FAULT = Fault(
    name=_NAME, description="the default entry leaves Windows 16 MB of memory", expect="bcd_memory", apply=_apply
)
