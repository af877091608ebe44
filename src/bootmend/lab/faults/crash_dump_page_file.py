"""The machine stopped on a critical driver and never came up again: the dump still lies in the page file."""

from __future__ import annotations

from bootmend.lab.crashed_memory import CrashedMemory
from bootmend.lab.faults.dump_left import CRASHED_LAST, leave_dump
from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.open_machine import OpenMachine
from bootmend.lab.true_dump import kernel_dump

_ROOM = 16 << 20


def _paged_out(memory: CrashedMemory) -> bytes:
    """A page file keeps its size, and behind the dump what was in it before."""
    dump = kernel_dump(memory)
    return dump + b"\xf6" * (_ROOM - len(dump))


def _apply(machine: OpenMachine) -> Outcome:
    return leave_dump(machine, CRASHED_LAST, {"\\pagefile.sys": _paged_out})


FAULT = Fault(
    name="crash-dump-page-file",
    description="the last stop left a dump in the page file, which no start has copied out yet",
    expect=None,
    apply=_apply,
)
