"""The boot loader that the default entry names is gone; WinSxS still has it under its other name."""

from __future__ import annotations

from bootmend.lab.faults.boot_file import loader, stopped
from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.faults.kernel_status import STATUS_NO_SUCH_FILE
from bootmend.lab.open_machine import OpenMachine


def _apply(machine: OpenMachine) -> Outcome:
    victim = loader(machine)
    machine.windows.delete(victim.path)
    return stopped(machine, victim, STATUS_NO_SUCH_FILE)


FAULT = Fault(
    name="boot-file-missing-loader",
    description="the boot loader that the default entry names does not exist; WinSxS holds it",
    expect="boot_file_missing",
    apply=_apply,
)
