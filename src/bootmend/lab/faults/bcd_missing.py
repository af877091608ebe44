"""The boot store is deleted; the boot manager beside it is whole."""

from __future__ import annotations

from bootmend.errors import Misuse
from bootmend.lab.faults.boot_store import STATUS_NO_SUCH_FILE, stopped
from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.open_machine import OpenMachine
from bootmend.texts import say

_NAME = "bcd-missing"


def _apply(machine: OpenMachine) -> Outcome:
    path = machine.manifest.store
    if not machine.system.exists(path):
        raise Misuse(say("lab.no_victim", name=_NAME, why="its boot store is gone already"))
    machine.system.delete(path)
    return stopped(machine, STATUS_NO_SUCH_FILE, path)


FAULT = Fault(name=_NAME, description="the boot store is deleted", expect="bcd_missing", apply=_apply)
