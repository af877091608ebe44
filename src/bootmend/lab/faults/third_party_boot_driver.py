"""A critical driver of another maker is damaged in every copy that the disk holds."""

from __future__ import annotations

from bootmend.lab.faults.fault import STATUS_INVALID_IMAGE_HASH, Fault, Outcome, broken
from bootmend.lab.open_machine import OpenMachine

_NAME = "third-party-boot-driver"


def _apply(machine: OpenMachine) -> Outcome:
    victim = machine.victim(_NAME, lambda binary: binary.owner != "inbox", "no driver of another maker loads at boot")
    machine.damage([victim.path, *victim.same_file[1:], *victim.spares])
    return broken(machine, victim, STATUS_INVALID_IMAGE_HASH, victim.everywhere)


FAULT = Fault(
    name=_NAME,
    description="a critical driver that did not come with Windows is damaged, in its driver package as well",
    expect="third_party_boot_driver",
    apply=_apply,
    accept=("disable-driver",),
)
