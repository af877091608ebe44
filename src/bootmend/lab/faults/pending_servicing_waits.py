"""An update waits for the next start, as on every machine that was updated and not restarted: nothing is wrong."""

from __future__ import annotations

from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.open_machine import OpenMachine
from bootmend.lab.pending_update import leave_pending

_NAME = "pending-servicing-waits"


def _apply(machine: OpenMachine) -> Outcome:
    touched = leave_pending(machine)
    return Outcome(subject="WinSxS\\pending.xml", touched=tuple(machine.address(path) for path in touched))


FAULT = Fault(
    name=_NAME,
    description="an update waits for the next start; no start has failed",
    expect="pending_servicing",
    apply=_apply,
    repairable=False,
    severity="note",
)
