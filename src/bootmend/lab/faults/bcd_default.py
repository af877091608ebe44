"""The boot manager's default and its menu name an entry that does not exist; the entry of Windows is there."""

from __future__ import annotations

from uuid import UUID

from bootmend.errors import Misuse
from bootmend.formats.bcd import WELL_KNOWN
from bootmend.lab.faults.boot_store import STATUS_FILE_INVALID, default_entry, put, stopped
from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.open_machine import OpenMachine
from bootmend.texts import say

_NAME = "bcd-default"


def _apply(machine: OpenMachine) -> Outcome:
    store, entry = default_entry(machine, _NAME)
    if store.default is not entry:
        raise Misuse(say("lab.no_victim", name=_NAME, why="its default entry is broken already"))
    manager = store.objects[WELL_KNOWN["bootmgr"]]
    gone = UUID(int=entry.id.int ^ 0x5A)
    with machine.edit_store() as editor:
        put(editor, manager, "default", gone)
        put(editor, manager, "displayorder", [gone])
    return stopped(machine, STATUS_FILE_INVALID, manager.name)


FAULT = Fault(
    name=_NAME,
    description="the boot manager's default entry does not exist",
    expect="bcd_default",
    apply=_apply,
)
