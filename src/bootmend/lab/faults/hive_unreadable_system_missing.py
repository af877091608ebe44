"""The SYSTEM hive is gone, and there is no copy of it."""

from __future__ import annotations

from bootmend.lab.contents import CONFIG
from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.faults.kernel_status import STATUS_NO_SUCH_FILE
from bootmend.lab.open_machine import OpenMachine


def _apply(machine: OpenMachine) -> Outcome:
    path = f"{CONFIG}\\SYSTEM"
    machine.windows.delete(path)
    return Outcome(
        subject="SYSTEM",
        stops=True,
        status=STATUS_NO_SUCH_FILE,
        screen="boot_manager",
        touched=(machine.address(path),),
    )


FAULT = Fault(
    name="hive-unreadable-system-missing",
    description="the SYSTEM hive does not exist, and there is no copy of it",
    expect="hive_unreadable",
    apply=_apply,
    repairable=False,
    last=True,
)
