"""Every OS loader is deleted from the boot store."""

from __future__ import annotations

from bootmend.lab.faults.boot_store import STATUS_FILE_INVALID, stopped, untouched_store
from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.open_machine import OpenMachine

_NAME = "bcd-no-loader"


def _apply(machine: OpenMachine) -> Outcome:
    store, _ = untouched_store(machine, _NAME)
    with machine.edit_store() as editor:
        for loader in store.loaders:
            editor.delete_object(loader.id)
    return stopped(machine, STATUS_FILE_INVALID, "{bootmgr}")


FAULT = Fault(
    name=_NAME, description="the boot store has no entry of any Windows", expect="bcd_no_loader", apply=_apply
)
