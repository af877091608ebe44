"""A policy blocked a sound driver of somebody else: nothing is wrong on the disk, only the log tells of it."""

from __future__ import annotations

from bootmend.errors import Misuse
from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.logs import CODE_INTEGRITY, LOGS, refused
from bootmend.lab.open_machine import OpenMachine
from bootmend.texts import say

_NAME = "code-integrity-log"


def _apply(machine: OpenMachine) -> Outcome:
    sound = [binary for binary in machine.manifest.binaries if binary.loads_at_boot and binary.error_control == 1]
    if not sound:
        raise Misuse(say("lab.no_victim", name=_NAME, why="no driver with ErrorControl 1 is loaded at boot"))
    blocked = min(sound, key=lambda binary: (binary.owner == "inbox", binary.name.lower() != "labmon64.sys"))
    machine.log([refused("2024-02-18 18:50:11", 3077, blocked.path)])
    return Outcome(
        subject=blocked.name,
        service=blocked.service,
        start=blocked.start,
        error_control=blocked.error_control,
        touched=(machine.address(f"{LOGS}\\{CODE_INTEGRITY}.evtx"),),
    )


FAULT = Fault(
    name=_NAME,
    description="a policy blocked a sound driver; the log says so",
    expect="code_integrity_log",
    apply=_apply,
    repairable=False,
    severity="note",
)
