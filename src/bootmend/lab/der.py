"""DER, written by hand: the few types that catalogs, signatures and time stamps are made of.

Growing a machine writes some 3,500 catalogs with hundreds of thousands of members; a general ASN.1
library spends milliseconds on what is one joined byte string here. `children` serves to add to a signature
that the lab was given; reading DER off a disk is the business of `signing`.

Source: ITU-T X.690 (DER).
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

from bootmend.errors import Misuse

NULL = b"\x05\x00"


def tlv(tag: int, *parts: bytes) -> bytes:
    """One element: identifier octet, length, and `parts` joined as its content."""
    content = b"".join(parts)
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    if length < 0x100:
        return bytes((tag, 0x81, length)) + content
    size = (length.bit_length() + 7) // 8
    return bytes((tag, 0x80 | size)) + length.to_bytes(size, "big") + content


def sequence(*parts: bytes) -> bytes:
    return tlv(0x30, *parts)


def set_of(*elements: bytes) -> bytes:
    """A SET OF: DER wants its elements in the order of their own encodings."""
    return tlv(0x31, *sorted(elements))


def octets(data: bytes) -> bytes:
    return tlv(0x04, data)


def integer(value: int) -> bytes:
    return tlv(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def bmp_string(text: str) -> bytes:
    return tlv(0x1E, text.encode("utf-16-be"))


def utc_time(when: datetime) -> bytes:
    """`when` to the second; the lab's dates all lie between 1950 and 2049, as UTCTime needs."""
    return tlv(0x17, when.astimezone(UTC).strftime("%y%m%d%H%M%SZ").encode())


def generalized_time(when: datetime) -> bytes:
    return tlv(0x18, when.astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode())


def explicit(number: int, *parts: bytes) -> bytes:
    """A constructed, context-specific [number]: EXPLICIT tagging, or IMPLICIT of something constructed."""
    return tlv(0xA0 | number, *parts)


@cache
def oid(dotted: str) -> bytes:
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    content = bytearray()
    for arc in (first * 40 + second, *rest):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(arc & 0x7F | 0x80)
        content += bytes(reversed(groups))
    return tlv(0x06, bytes(content))


def content_of(element: bytes) -> bytes:
    """What stands behind the identifier and length of `element`; bytes after it are left away.

    Raises Misuse where it is not one whole element with a definite length.
    """
    if len(element) < 2 or element[1] == 0x80:
        raise Misuse("not a DER element")
    head, length = 2, element[1]
    if length > 0x80:
        head += length & 0x7F
        length = int.from_bytes(element[2:head], "big")
    if head + length > len(element):
        raise Misuse(f"a DER element of {head + length} bytes in {len(element)}")
    return element[head : head + length]


def children(element: bytes) -> list[bytes]:
    """The elements inside a constructed one."""
    rest = content_of(element)
    found = []
    while rest:
        content = content_of(rest)
        head = 2 if rest[1] < 0x80 else 2 + (rest[1] & 0x7F)
        found.append(rest[: head + len(content)])
        rest = rest[head + len(content) :]
    return found
