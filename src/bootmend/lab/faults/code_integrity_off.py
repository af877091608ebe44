"""Test signing is on in the boot store."""

from __future__ import annotations

from bootmend.lab.faults.boot_store import default_entry, put
from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.open_machine import OpenMachine

_NAME = "code-integrity-off"


def _apply(machine: OpenMachine) -> Outcome:
    _, entry = default_entry(machine, _NAME)
    with machine.edit_store() as editor:
        put(editor, entry, "testsigning", True)
    return Outcome(subject="testsigning", touched=(f"{machine.manifest.system_partition}:{machine.manifest.store}",))


FAULT = Fault(
    name=_NAME,
    description="test signing is on",
    expect="code_integrity_off",
    apply=_apply,
    repairable=False,
    severity="note",
)
