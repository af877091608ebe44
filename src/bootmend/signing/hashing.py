"""The hashes that Authenticode and catalogs know an image by.

The file in one stretch, without four things a signature cannot cover: the checksum field, the
directory entry of the certificate table, the table itself, and nothing else. What follows the
table is hashed too, so that data appended to a signed file is noticed.

An unsigned image whose size is no multiple of 8 is hashed as if filled up with zeros: signing
fills it up before the table is appended, and both must have the same hash in a catalog.

Source: Microsoft, "Windows Authenticode Portable Executable Signature Format", "Calculating the PE Image Hash".
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from bootmend.formats.pe import Pe


@dataclass(frozen=True, slots=True)
class ImageHashes:
    """Both hashes of one image: catalogs up to 2021 may list the SHA-1 only."""

    sha1: bytes
    sha256: bytes


def image_hashes(data: bytes, pe: Pe) -> ImageHashes:
    """The SHA-1 and SHA-256 Authenticode hashes of the image `data`, whose headers are `pe`."""
    sha1, sha256 = hashlib.sha1(usedforsecurity=False), hashlib.sha256()
    for piece in _covered(data, pe):
        sha1.update(piece)
        sha256.update(piece)
    return ImageHashes(sha1.digest(), sha256.digest())


def image_digest(data: bytes, pe: Pe, algorithm: str) -> bytes:
    """One Authenticode hash by `hashlib` name; signatures may use SHA-384 and SHA-512 too."""
    digest = hashlib.new(algorithm, usedforsecurity=False)
    for piece in _covered(data, pe):
        digest.update(piece)
    return digest.digest()


def _covered(data: bytes, pe: Pe) -> Iterator[memoryview | bytes]:
    view = memoryview(data)
    at = pe.checksum_offset + 4
    yield view[: pe.checksum_offset]
    if pe.certificate_entry is not None:
        yield view[at : pe.certificate_entry]
        at = pe.certificate_entry + 8
    if pe.certificate_table is not None:
        start, size = pe.certificate_table
        yield view[at:start]
        yield view[start + size :]
        return
    yield view[at:]
    yield bytes(-len(data) % 8)
