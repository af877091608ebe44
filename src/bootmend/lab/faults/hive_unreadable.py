"""The SOFTWARE hive ends in the middle; RegBack holds copies of all hives, as Windows made them before 1803."""

from __future__ import annotations

from bootmend.lab.contents import CONFIG
from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.faults.kernel_status import STOP_CANNOT_LOAD_REGISTRY_FILE
from bootmend.lab.open_machine import OpenMachine

HIVES = ("SYSTEM", "SOFTWARE", "SAM", "SECURITY", "DEFAULT")


def put_copies(machine: OpenMachine) -> list[str]:
    """What the task RegIdleBackup leaves in RegBack: a copy of each hive. Their paths."""
    copies = []
    for name in HIVES:
        path = f"{CONFIG}\\RegBack\\{name}"
        if not machine.windows.exists(path):
            machine.windows.create(path, machine.windows.read(f"{CONFIG}\\{name}"))
        copies.append(path)
    return copies


def _apply(machine: OpenMachine) -> Outcome:
    path = f"{CONFIG}\\SOFTWARE"
    copies = put_copies(machine)
    whole = machine.windows.read(path)
    machine.windows.replace(path, whole[: max(len(whole) // 2 // 4096, 2) * 4096])
    return Outcome(
        subject="SOFTWARE",
        stops=True,
        stop=STOP_CANNOT_LOAD_REGISTRY_FILE,
        touched=tuple(machine.address(one) for one in (path, *copies)),
    )


FAULT = Fault(
    name="hive-unreadable",
    description="the SOFTWARE hive ends in the middle; RegBack holds older copies of all hives",
    expect="hive_unreadable",
    apply=_apply,
    accept=("regback",),
)
