"""hal.dll is gone from System32; WinSxS still has it under its other name."""

from __future__ import annotations

from bootmend.lab.faults.boot_file import named, stopped
from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.faults.kernel_status import STATUS_NO_SUCH_FILE
from bootmend.lab.open_machine import OpenMachine


def _apply(machine: OpenMachine) -> Outcome:
    victim = named(machine, "hal.dll")
    machine.windows.delete(victim.path)
    return stopped(machine, victim, STATUS_NO_SUCH_FILE)


FAULT = Fault(
    name="boot-file-missing",
    description="hal.dll, which the kernel imports, does not exist; WinSxS holds it",
    expect="boot_file_missing",
    apply=_apply,
)
