"""The bytes of a machine's binaries, their hashes, and who signed them."""

from __future__ import annotations

import ntpath
from dataclasses import dataclass

from bootmend.formats.pe import Pe
from bootmend.lab.authority import LabAuthority
from bootmend.lab.blueprint import Blueprint
from bootmend.lab.import_table import usual_exports
from bootmend.lab.kernel_code import kernel_code
from bootmend.lab.pe_image import AMD64, I386
from bootmend.lab.pe_maker import make_driver
from bootmend.lab.placement import GROWN, Placed
from bootmend.lab.roster import Binary
from bootmend.lab.signer import sign_image
from bootmend.signing.hashing import ImageHashes, image_hashes

_USUAL_SIZES = (0x4000, 0x6000, 0x8000, 0xC000, 0x12000, 0x1C000)
_LARGE = {"ntoskrnl.exe": 0x80000, "win32kfull.sys": 0x60000, "tcpip.sys": 0x50000, "ntfs.sys": 0x50000}


@dataclass(frozen=True, slots=True)
class Made:
    """A binary's content and Authenticode hashes; `outdated` is what its version of setup time was."""

    placed: Placed
    data: bytes
    hashes: ImageHashes
    outdated: bytes = b""
    outdated_hashes: ImageHashes | None = None


def make_binary(blueprint: Blueprint, authority: LabAuthority, placed: Placed, bits: int) -> Made:
    """The files of one binary, signed as its row says."""
    data = _signed(authority, placed.binary, make_image(blueprint, placed.binary, placed.version, bits))
    if not placed.outdated:
        return Made(placed, data, hashes_of(data, placed.binary.path))
    family, _, _ = placed.version.rpartition(".")
    old = _signed(authority, placed.binary, make_image(blueprint, placed.binary, f"{family}.1", bits, "setup"))
    return Made(placed, data, hashes_of(data, placed.binary.path), old, hashes_of(old, placed.outdated))


def make_image(blueprint: Blueprint, binary: Binary, version: str, bits: int, edition: str = "") -> bytes:
    """The unsigned image; another `edition` is the same program with other code."""
    choice = blueprint.random(f"image {binary.path.lower()} {version} {edition}")
    return make_driver(
        binary.name,
        version=version,
        description=binary.description,
        company="bootmend lab" if binary.inbox else f"bootmend lab {binary.owner}",
        machine=AMD64 if bits == 64 else I386,
        size=_LARGE.get(ntpath.basename(binary.path).lower()) or choice.choice(_USUAL_SIZES),
        seed=choice.getrandbits(32),
        boot=binary.boot,
        kind=binary.kind,
        # Libraries grow: one of an earlier day lacks the last of what others import today.
        exports=usual_exports(binary.name)[:-1] if edition and binary.name.lower() in GROWN else None,
        kernel=kernel_code() if binary.name.lower() == "ntoskrnl.exe" and bits == 64 else None,
    )


def hashes_of(data: bytes, path: str) -> ImageHashes:
    return image_hashes(data, Pe.parse(data, path))


def _signed(authority: LabAuthority, binary: Binary, image: bytes) -> bytes:
    if not binary.embedded:
        return image
    if binary.inbox:
        return sign_image(image, authority.windows)
    # Kernel code of a vendor carries the hardware programme's signature, its programs the vendor's own.
    return sign_image(image, authority.whcp if binary.kind == "driver" else authority.vendor)
