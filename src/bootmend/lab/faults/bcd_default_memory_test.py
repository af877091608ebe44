"""The boot manager starts the memory test by default, again after each restart."""

from __future__ import annotations

from dataclasses import replace

from bootmend.formats.bcd import WELL_KNOWN
from bootmend.lab.faults.boot_store import put, stopped, untouched_store
from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.open_machine import OpenMachine

_NAME = "bcd-default-memory-test"


def _apply(machine: OpenMachine) -> Outcome:
    store, _ = untouched_store(machine, _NAME)
    manager = store.objects[WELL_KNOWN["bootmgr"]]
    with machine.edit_store() as editor:
        put(editor, manager, "default", WELL_KNOWN["memdiag"])
    return replace(stopped(machine, None, manager.name), screen="stuck")


FAULT = Fault(
    name=_NAME,
    description="the boot manager starts the memory test at every start",
    expect="bcd_default",
    apply=_apply,
)
