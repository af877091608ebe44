"""A critical driver is one for another kind of processor, as a copy from the wrong installation medium leaves it."""

from __future__ import annotations

from bootmend.lab.faults.fault import STATUS_INVALID_IMAGE_FORMAT, Fault, Outcome, broken
from bootmend.lab.open_machine import OpenMachine
from bootmend.lab.pe_image import AMD64, ARM64
from bootmend.lab.pe_maker import make_driver

_NAME = "driver-wrong-machine"


def _apply(machine: OpenMachine) -> Outcome:
    victim = machine.victim(
        _NAME,
        lambda binary: binary.owner == "inbox" and len(binary.same_file) > 1,
        "no in-box driver that is loaded at boot has a link in WinSxS",
    )
    image = make_driver(
        victim.name,
        version=victim.version,
        description="the driver of another edition",
        company="bootmend lab",
        machine=ARM64 if machine.manifest.bits == 64 else AMD64,
        seed=machine.manifest.seed,
    )
    machine.windows.delete(victim.path)
    machine.windows.create(victim.path, image)
    return broken(
        machine, victim, STATUS_INVALID_IMAGE_FORMAT, [victim.path], verdict="not_a_driver", sha256=victim.sha256
    )


FAULT = Fault(
    name=_NAME,
    description="a critical driver is one for another kind of processor; WinSxS holds the right one",
    expect="driver_damaged",
    apply=_apply,
)
