"""A critical driver was replaced by one that nobody has signed, in every copy; the real one is gone from the disk."""

from __future__ import annotations

from bootmend.lab.faults.fault import (
    STATUS_INVALID_IMAGE_HASH,
    STOP_CRITICAL_SERVICE_FAILED,
    Fault,
    Outcome,
)
from bootmend.lab.open_machine import OpenMachine
from bootmend.lab.pe_image import AMD64, I386
from bootmend.lab.pe_maker import make_driver

_NAME = "driver-unsigned"


def _apply(machine: OpenMachine) -> Outcome:
    third_party = [binary for binary in machine.manifest.binaries if binary.owner != "inbox" and binary.loads_at_boot]
    victim = machine.victim(
        _NAME,
        lambda binary: binary in third_party if third_party else binary.start == 1,
        "no driver is loaded by the kernel at system start",
    )
    unsigned = make_driver(
        victim.name,
        version="0.0.1.0",
        description="home-made driver",
        company="bootmend lab, nobody",
        machine=AMD64 if machine.manifest.bits == 64 else I386,
        seed=machine.manifest.seed,
    )
    copies = [victim.path, *victim.spares, *([victim.outdated] if victim.outdated else [])]
    for path in copies:
        machine.windows.replace(path, unsigned)
    return Outcome(
        subject=victim.name,
        service=victim.service,
        error_control=victim.error_control,
        stop=STOP_CRITICAL_SERVICE_FAILED,
        status=STATUS_INVALID_IMAGE_HASH,
        touched=tuple(machine.address(path) for path in victim.everywhere),
        details={"verdict": "not_signed", "owner": victim.owner},
    )


FAULT = Fault(
    name=_NAME,
    description="a critical driver was replaced by one without any signature",
    expect="driver_damaged",
    apply=_apply,
    repairable=False,
)
