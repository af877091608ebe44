"""SAM has lost its beginning; RegBack's files have 0 bytes, as since Windows 10 1803."""

from __future__ import annotations

from bootmend.lab.contents import CONFIG
from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.faults.kernel_status import STOP_CANNOT_LOAD_REGISTRY_FILE
from bootmend.lab.open_machine import OpenMachine


def _apply(machine: OpenMachine) -> Outcome:
    path = f"{CONFIG}\\SAM"
    machine.windows.write_in_place(path, 0, bytes(4096))
    return Outcome(subject="SAM", stops=True, stop=STOP_CANNOT_LOAD_REGISTRY_FILE, touched=(machine.address(path),))


FAULT = Fault(
    name="hive-unreadable-sam",
    description="the SAM hive is zeros where it begins, and there is no copy of it",
    expect="hive_unreadable",
    apply=_apply,
    repairable=False,
)
