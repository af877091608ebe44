"""The default entry starts safe mode, as somebody has set it and forgotten."""

from __future__ import annotations

from bootmend.lab.faults.boot_store import put, untouched_store
from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.open_machine import OpenMachine

_NAME = "bcd-safe-mode"


def _apply(machine: OpenMachine) -> Outcome:
    _, entry = untouched_store(machine, _NAME)
    with machine.edit_store() as editor:
        put(editor, entry, "safeboot", 0)
    store = f"{machine.manifest.system_partition}:{machine.manifest.store}"
    return Outcome(subject=entry.name, touched=(store,))


FAULT = Fault(
    name=_NAME,
    description="the default entry starts safe mode",
    expect="bcd_safe_mode",
    apply=_apply,
    severity="note",
    repairable=False,
)
