"""A critical in-box driver is damaged, and so is its hard link in WinSxS; a superseded component has it whole."""

from __future__ import annotations

from bootmend.lab.faults.fault import STATUS_INVALID_IMAGE_HASH, Fault, Outcome, broken
from bootmend.lab.open_machine import OpenMachine

_NAME = "driver-damaged"


def _apply(machine: OpenMachine) -> Outcome:
    victim = machine.victim(
        _NAME,
        lambda binary: binary.owner == "inbox" and bool(binary.spares),
        "no in-box driver that is loaded at boot has a second copy",
    )
    machine.damage([victim.path])
    return broken(
        machine,
        victim,
        STATUS_INVALID_IMAGE_HASH,
        victim.same_file,
        sound_copies=list(victim.spares),
        sha256=victim.sha256,
    )


FAULT = Fault(
    name=_NAME,
    description="a critical driver is damaged; WinSxS holds a sound copy",
    expect="driver_damaged",
    apply=_apply,
)
