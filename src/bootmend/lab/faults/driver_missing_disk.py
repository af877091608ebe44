"""disk.sys is gone: its ErrorControl lets Windows go on, which then has no disk to start from."""

from __future__ import annotations

from bootmend.lab.faults.boot_file import named
from bootmend.lab.faults.fault import STOP_INACCESSIBLE_BOOT_DEVICE, Fault, Outcome
from bootmend.lab.open_machine import OpenMachine


def _apply(machine: OpenMachine) -> Outcome:
    victim = named(machine, "disk.sys")
    machine.windows.delete(victim.path)
    return Outcome(
        subject=victim.name,
        service=victim.service,
        start=victim.start,
        error_control=victim.error_control,
        stops=True,
        stop=STOP_INACCESSIBLE_BOOT_DEVICE,
        touched=(machine.address(victim.path),),
        details={"sound_copies": [*victim.same_file[1:], *victim.spares], "sha256": victim.sha256},
    )


FAULT = Fault(
    name="driver-missing-disk",
    description="disk.sys, which every boot needs, does not exist, though its ErrorControl is 1; WinSxS holds it",
    expect="driver_missing",
    apply=_apply,
)
