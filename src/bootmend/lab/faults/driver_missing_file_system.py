"""ntfs.sys is gone: its Start is 3, but the boot loader reads it for the volume that it boots from."""

from __future__ import annotations

from bootmend.lab.faults.boot_file import named, stopped
from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.faults.kernel_status import STATUS_NO_SUCH_FILE
from bootmend.lab.open_machine import OpenMachine


def _apply(machine: OpenMachine) -> Outcome:
    victim = named(machine, "ntfs.sys")
    machine.windows.delete(victim.path)
    return stopped(machine, victim, STATUS_NO_SUCH_FILE, sound_copies=list(victim.same_file[1:]))


FAULT = Fault(
    name="driver-missing-file-system",
    description="ntfs.sys, the file system of the boot volume, does not exist; WinSxS holds it",
    expect="driver_missing",
    apply=_apply,
)
