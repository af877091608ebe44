"""An update's queue is worked through at every start and never done: startup repair has been there since."""

from __future__ import annotations

from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.open_machine import OpenMachine
from bootmend.lab.pending_update import leave_pending, startup_repair_was_here

_NAME = "pending-servicing"


def _apply(machine: OpenMachine) -> Outcome:
    touched = [*leave_pending(machine), *startup_repair_was_here(machine, "2024-02-18 20:40:00")]
    return Outcome(
        subject="WinSxS\\pending.xml",
        stops=True,
        screen="stuck",
        touched=tuple(machine.address(path) for path in touched),
    )


FAULT = Fault(
    name=_NAME,
    description="an update is never finished: each start goes back to its queue",
    expect="pending_servicing",
    apply=_apply,
    accept=("abandon-update",),
)
