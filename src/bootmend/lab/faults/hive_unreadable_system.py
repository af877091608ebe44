"""The SYSTEM hive is full of somebody else's bytes; RegBack holds copies of all hives."""

from __future__ import annotations

from bootmend.lab.contents import CONFIG
from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.faults.hive_unreadable import put_copies
from bootmend.lab.faults.kernel_status import STATUS_REGISTRY_CORRUPT
from bootmend.lab.open_machine import OpenMachine


def _apply(machine: OpenMachine) -> Outcome:
    path = f"{CONFIG}\\SYSTEM"
    copies = put_copies(machine)
    machine.windows.write_in_place(path, 0, b"not a hive here. " * 1024)
    return Outcome(
        subject="SYSTEM",
        stops=True,
        status=STATUS_REGISTRY_CORRUPT,
        screen="boot_manager",
        touched=tuple(machine.address(one) for one in (path, *copies)),
    )


FAULT = Fault(
    name="hive-unreadable-system",
    description="the SYSTEM hive is overwritten; RegBack holds older copies of all hives",
    expect="hive_unreadable",
    apply=_apply,
    accept=("regback",),
    last=True,
)
