"""A critical driver was replaced by one that nobody has signed, as copying a file over it does.

The new file is a file of its own: the component store or the driver store still has the real one.
"""

from __future__ import annotations

from bootmend.lab.faults.fault import STATUS_INVALID_IMAGE_HASH, Fault, Outcome, broken
from bootmend.lab.open_machine import OpenMachine
from bootmend.lab.pe_image import AMD64, I386
from bootmend.lab.pe_maker import make_driver

_NAME = "driver-unsigned"


def _apply(machine: OpenMachine) -> Outcome:
    third_party = [binary for binary in machine.manifest.binaries if binary.owner != "inbox" and binary.loads_at_boot]
    victim = machine.victim(
        _NAME,
        lambda binary: binary in third_party or not third_party,
        "no driver is loaded at boot",
    )
    unsigned = make_driver(
        victim.name,
        version="0.0.1.0",
        description="home-made driver",
        company="bootmend lab, nobody",
        machine=AMD64 if machine.manifest.bits == 64 else I386,
        seed=machine.manifest.seed,
    )
    machine.windows.delete(victim.path)
    machine.windows.create(victim.path, unsigned)
    return broken(
        machine,
        victim,
        STATUS_INVALID_IMAGE_HASH,
        [victim.path],
        verdict="not_signed",
        owner=victim.owner,
        sound_copies=[*victim.same_file[1:], *victim.spares],
        sha256=victim.sha256,
    )


FAULT = Fault(
    name=_NAME,
    description="a critical driver was replaced by one without any signature; the driver store holds the real one",
    expect="driver_damaged",
    apply=_apply,
)
