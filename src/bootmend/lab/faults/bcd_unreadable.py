"""The boot store is overwritten with what is no hive."""

from __future__ import annotations

from bootmend.lab.faults.boot_store import STATUS_REGISTRY_CORRUPT, stopped, untouched_store
from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.open_machine import OpenMachine

_NAME = "bcd-unreadable"


def _apply(machine: OpenMachine) -> Outcome:
    path = machine.manifest.store
    untouched_store(machine, _NAME)
    machine.system.replace(path, b"no store".ljust(len(machine.system.read(path)), b"\xff"))
    return stopped(machine, STATUS_REGISTRY_CORRUPT, path)


FAULT = Fault(name=_NAME, description="the boot store holds no hive any more", expect="bcd_unreadable", apply=_apply)
