"""A library of the kernel was replaced by one that somebody else has signed; WinSxS holds the real one."""

from __future__ import annotations

from bootmend.lab.certificates import CODE_SIGNING, Profile, leaf
from bootmend.lab.faults.boot_file import named, replace_file, stopped
from bootmend.lab.faults.fault import STATUS_INVALID_IMAGE_HASH, Fault, Outcome
from bootmend.lab.open_machine import OpenMachine
from bootmend.lab.pe_image import AMD64, I386
from bootmend.lab.pe_maker import make_driver
from bootmend.lab.signer import sign_image


def _apply(machine: OpenMachine) -> Outcome:
    victim = named(machine, "BOOTVID.DLL")
    image = make_driver(
        victim.name,
        version=victim.version,
        description="another boot video driver",
        company="bootmend lab, somebody",
        machine=AMD64 if machine.manifest.bits == 64 else I386,
        seed=machine.manifest.seed + 1,
        kind="dll",
    )
    stranger = leaf(Profile(name="bootmend lab, somebody", usages=(CODE_SIGNING,)), (), f"{machine.manifest.seed}")
    replace_file(machine, victim, sign_image(image, stranger, timestamp=False))
    return stopped(machine, victim, STATUS_INVALID_IMAGE_HASH)


FAULT = Fault(
    name="boot-file-untrusted",
    description="bootvid.dll is signed by somebody whom nothing makes trusted; WinSxS holds the real one",
    expect="boot_file_untrusted",
    apply=_apply,
)
