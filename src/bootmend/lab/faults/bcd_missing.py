"""The boot store is deleted; the boot manager beside it is whole."""

from __future__ import annotations

from bootmend.lab.faults.boot_store import STATUS_NO_SUCH_FILE, stopped, untouched_store
from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.open_machine import OpenMachine

_NAME = "bcd-missing"


def _apply(machine: OpenMachine) -> Outcome:
    path = machine.manifest.store
    untouched_store(machine, _NAME)
    machine.system.delete(path)
    return stopped(machine, STATUS_NO_SUCH_FILE, path)


FAULT = Fault(name=_NAME, description="the boot store is deleted", expect="bcd_missing", apply=_apply)
