"""The default entry names a loader that does not exist."""

from __future__ import annotations

from bootmend.lab.faults.boot_store import STATUS_NO_SUCH_FILE, edited
from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.open_machine import OpenMachine

_NAME = "bcd-path-nowhere"


def _apply(machine: OpenMachine) -> Outcome:
    path = rf"\Windows\system32\winlod.{'exe' if machine.manifest.generation == 1 else 'efi'}"
    return edited(machine, _NAME, "path", path, STATUS_NO_SUCH_FILE)


FAULT = Fault(
    name=_NAME, description="the default entry names a loader that does not exist", expect="bcd_path", apply=_apply
)
