"""Authenticode signatures embedded in an image, written by the lab.

    image, padded to 8 bytes | WIN_CERTIFICATE { length, revision 2, kind 2, ContentInfo }

The security directory names the place; the image's hash skips that entry, CheckSum and the table itself.

Source: Microsoft, "Windows Authenticode Portable Executable Signature Format".
"""

from __future__ import annotations

import hashlib
import struct
from datetime import UTC, datetime

from bootmend.errors import Misuse
from bootmend.lab import der
from bootmend.lab.certificates import Leaf
from bootmend.lab.indirect_data import INDIRECT_DATA, image_content, signing_purpose
from bootmend.lab.pe_image import put_checksum
from bootmend.lab.signed_data import attribute, signed_data
from bootmend.lab.time_stamp import stamped

SIGNED_AT = datetime(2023, 10, 10, 12, tzinfo=UTC)
"""When lab signatures are stamped, unless another date is asked for."""

_NESTED = "1.3.6.1.4.1.311.2.4.1"
_UNSIGNED_TAG = 0xA1


def sign_image(
    data: bytes,
    leaf: Leaf,
    *,
    timestamp: bool = True,
    digest: str = "sha256",
    nested: bool = False,
    appended: bool = False,
    when: datetime = SIGNED_AT,
) -> bytes:
    """`data` (a sound PE image) with an embedded signature of `leaf`, its checksum right again.

    A signature that is there already is replaced; `nested` keeps it and puts the new one inside it,
    `appended` keeps it and puts the new one behind it as a second WIN_CERTIFICATE. Raises Misuse
    where those two find no signature to keep.
    """
    image, present = _taken_apart(data)
    if (nested or appended) and not present:
        raise Misuse("there is no signature to add another one to")
    signature = _signature(image_digest(image, digest), leaf, digest, when if timestamp else None)
    if nested:
        present[0] = _with_nested(present[0], signature)
    elif appended:
        present.append(signature)
    else:
        present = [signature]
    return _put_together(image, present)


def strip_signature(data: bytes) -> bytes:
    """`data` without any embedded signature, checksum right; the padding that signing added stays."""
    image, _ = _taken_apart(data)
    return _put_together(image, [])


def image_digest(image: bytes, digest: str) -> bytes:
    """The Authenticode hash of an image, signed or not, whose certificate table is the last thing in it.

    Written apart from `signing.hashing`, which the lab's files put to the test.
    """
    checksum_at, entry_at = _places(image)
    end = int.from_bytes(image[entry_at : entry_at + 4], "little") or len(image)
    state = hashlib.new(digest, image[:checksum_at])
    state.update(image[checksum_at + 4 : entry_at])
    state.update(image[entry_at + 8 : end])
    state.update(bytes(-end % 8))
    return state.digest()


def _places(image: bytes) -> tuple[int, int]:
    """Offsets of CheckSum and of the security directory's entry."""
    header = int.from_bytes(image[0x3C:0x40], "little")
    if image[:2] != b"MZ" or image[header : header + 4] != b"PE\0\0":
        raise Misuse("only PE images can be signed")
    plus64 = image[header + 24 : header + 26] == b"\x0b\x02"
    entry_at = header + 24 + (112 if plus64 else 96) + 8 * 4
    if entry_at + 8 > len(image):
        raise Misuse("the headers of the image are cut short")
    return header + 0x58, entry_at


def _taken_apart(data: bytes) -> tuple[bytes, list[bytes]]:
    """The image without its certificate table, padded to 8 bytes, and the signatures that were in it."""
    _, entry_at = _places(data)
    start, size = struct.unpack_from("<II", data, entry_at)
    if not start:
        return data + bytes(-len(data) % 8), []
    if start + size != len(data):
        raise Misuse("the certificate table is not the end of the image")
    signatures = []
    at = start
    while at < start + size:
        length = int.from_bytes(data[at : at + 4], "little")
        if length < 8:
            raise Misuse(f"a certificate of {length} bytes")
        signatures.append(data[at + 8 : at + length])
        at += -(-length // 8) * 8
    image = bytearray(data[:start])
    image[entry_at : entry_at + 8] = bytes(8)
    return bytes(image), signatures


def _put_together(image: bytes, signatures: list[bytes]) -> bytes:
    table = b""
    for signature in signatures:
        padded = signature + bytes(-len(signature) % 8)
        table += struct.pack("<IHH", 8 + len(padded), 0x0200, 0x0002) + padded
    whole = bytearray(image + table)
    _, entry_at = _places(image)
    struct.pack_into("<II", whole, entry_at, len(image) if table else 0, len(table))
    put_checksum(whole)
    return bytes(whole)


def _signature(hashed: bytes, leaf: Leaf, digest: str, when: datetime | None) -> bytes:
    """The ContentInfo that signs an image of this hash, time-stamped at `when`."""
    return signed_data(
        INDIRECT_DATA,
        image_content(digest, hashed),
        leaf,
        attributes=signing_purpose(),
        unsigned=stamped(leaf, when) if when else None,
        digest=digest,
    )


def _with_nested(outer: bytes, inner: bytes) -> bytes:
    """`outer` with `inner` among its unsigned attributes, which nothing signs: the outer one stays valid."""
    kind, content = der.children(outer)
    *envelope, signers = der.children(der.children(content)[0])
    signer = der.children(der.children(signers)[0])
    attributes = [attribute(_NESTED, inner)]
    if signer[-1][0] == _UNSIGNED_TAG:
        attributes += der.children(signer.pop())
    extended = der.sequence(*signer, der.tlv(_UNSIGNED_TAG, *sorted(attributes)))
    return der.sequence(kind, der.explicit(0, der.sequence(*envelope, der.set_of(extended))))
