"""A critical driver was replaced by one whose signer the kernel does not trust, as test signing leaves it."""

from __future__ import annotations

from bootmend.lab.authority import LabAuthority
from bootmend.lab.faults.fault import STATUS_INVALID_IMAGE_HASH, Fault, Outcome, broken
from bootmend.lab.open_machine import OpenMachine
from bootmend.lab.pe_image import AMD64, I386
from bootmend.lab.pe_maker import make_driver
from bootmend.lab.signer import sign_image

_NAME = "driver-untrusted"


def _apply(machine: OpenMachine) -> Outcome:
    victim = machine.victim(
        _NAME,
        lambda binary: binary.owner == "inbox" and len(binary.same_file) > 1,
        "no in-box driver that is loaded at boot has a link in WinSxS",
    )
    image = make_driver(
        victim.name,
        version="0.0.1.0",
        description="home-made driver",
        company="bootmend lab, somebody",
        machine=AMD64 if machine.manifest.bits == 64 else I386,
        seed=machine.manifest.seed,
    )
    machine.windows.delete(victim.path)
    machine.windows.create(victim.path, sign_image(image, LabAuthority.ephemeral("somebody else").vendor))
    return broken(machine, victim, STATUS_INVALID_IMAGE_HASH, [victim.path], verdict="untrusted", sha256=victim.sha256)


FAULT = Fault(
    name=_NAME,
    description="a critical driver was replaced by one whose signature leads to no root; WinSxS holds the real one",
    expect="driver_untrusted",
    apply=_apply,
)
