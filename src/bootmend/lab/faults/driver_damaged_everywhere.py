"""A critical in-box driver is damaged in every copy that the disk holds: only a donor has it whole."""

from __future__ import annotations

from bootmend.lab.faults.fault import STATUS_INVALID_IMAGE_HASH, Fault, Outcome, broken
from bootmend.lab.open_machine import OpenMachine

_NAME = "driver-damaged-everywhere"


def _apply(machine: OpenMachine) -> Outcome:
    victim = machine.victim(_NAME, lambda binary: binary.owner == "inbox", "no in-box driver is loaded at boot")
    machine.damage([victim.path, *victim.spares, *([victim.outdated] if victim.outdated else [])])
    return broken(machine, victim, STATUS_INVALID_IMAGE_HASH, victim.everywhere, sha256=victim.sha256)


FAULT = Fault(
    name=_NAME,
    description="a critical driver is damaged in every copy on the disk; a donor of the same build has it",
    expect="driver_damaged",
    apply=_apply,
    repairable=False,
)
