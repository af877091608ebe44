"""A dump of a stop that the machine got over: it has started and was shut down since."""

from __future__ import annotations

from bootmend.lab.faults.dump_left import CRASHED_BEFORE, leave_dump
from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.open_machine import OpenMachine
from bootmend.lab.true_dump import kernel_dump


def _apply(machine: OpenMachine) -> Outcome:
    return leave_dump(machine, CRASHED_BEFORE, {"\\Windows\\MEMORY.DMP": kernel_dump})


FAULT = Fault(
    name="crash-dump-stale",
    description="MEMORY.DMP is of an earlier stop: the machine has started well since",
    expect=None,
    apply=_apply,
)
