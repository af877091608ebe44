"""DER walked by offsets: just enough of ASN.1 to find the parts of a signed message, never more than is there.

Definite lengths and one-byte tags only, as every catalog and Authenticode signature has them; indefinite
lengths, lengths past their parent and endless lists are a ParseError. Nothing recurses.

Source: ITU-T X.690, 8.1 and 10.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from bootmend.errors import ParseError

INTEGER, OCTETS, OID, SEQUENCE, SET = 0x02, 0x04, 0x06, 0x30, 0x31
BMP_TEXT, UTC_TIME, GENERAL_TIME = 0x1E, 0x17, 0x18
CONTEXT = 0xA0
"""Constructed context tag 0; add the number for others."""


@dataclass(slots=True)
class Element:
    """One element of `data`: the tag stands at `start`, its content is `data[body:end]`."""

    data: bytes
    file: str
    tag: int
    start: int
    body: int
    end: int

    @property
    def content(self) -> bytes:
        return self.data[self.body : self.end]

    @property
    def whole(self) -> bytes:
        """Header and content."""
        return self.data[self.start : self.end]

    def fail(self, expected: str, found: str | None = None) -> ParseError:
        return ParseError(self.file, self.start, expected, found)

    def children(self, most: int) -> Iterator[Element]:
        """The elements one after the other in the content; more than `most` are a ParseError."""
        at = self.body
        count = 0
        while at < self.end:
            count += 1
            if count > most:
                raise self.fail(f"at most {most} elements")
            child = element(self.data, at, self.end, self.file)
            yield child
            at = child.end

    def expect(self, tag: int, what: str) -> Element:
        """The element itself, if its tag is `tag`."""
        if self.tag != tag:
            raise self.fail(what, f"tag {self.tag:#04x}")
        return self

    def time(self) -> datetime:
        """The value of a UTCTime or GeneralizedTime in UTC, fractions of a second left out."""
        text = self.content.decode("ascii", "replace")
        digits = (("20" if text[:2] < "50" else "19") + text if self.tag == UTC_TIME else text)[:14]
        if self.tag in (UTC_TIME, GENERAL_TIME) and text.endswith("Z") and len(digits) == 14 and digits.isdecimal():
            try:
                return datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
            except ValueError:
                pass
        raise self.fail("a time in UTC with seconds", repr(text[:32]))

    def only(self, tag: int, what: str) -> Element:
        """The first element of the content, which must have `tag`."""
        return element(self.data, self.body, self.end, self.file).expect(tag, what)


def element(data: bytes, at: int, end: int, file: str) -> Element:
    """The element at `at`, which must end at or before `end` (offsets in bytes)."""
    if at + 2 > end or end > len(data):
        raise ParseError(file, at, "a DER element", f"{max(end - at, 0)} bytes left")
    tag, length = data[at], data[at + 1]
    if tag & 0x1F == 0x1F:
        raise ParseError(file, at, "a DER tag of one byte", hex(tag))
    body = at + 2
    if length >= 0x80:
        size = length & 0x7F
        if not 1 <= size <= 4 or body + size > end:
            raise ParseError(file, at + 1, "a definite DER length of at most 4 bytes", hex(length))
        length = int.from_bytes(data[body : body + size], "big")
        body += size
    if body + length > end:
        raise ParseError(file, at, f"a DER element of {length} bytes", f"{end - body} bytes left")
    return Element(data, file, tag, at, body, body + length)


def whole(data: bytes, file: str, tag: int, what: str) -> Element:
    """The element that `data` starts with; padding after it is allowed, as certificate tables have it."""
    return element(data, 0, len(data), file).expect(tag, what)


def oid(dotted: str) -> bytes:
    """An object identifier as the content bytes of its DER element."""
    first, second, *rest = (int(part) for part in dotted.split("."))
    out = bytearray([first * 40 + second])
    for number in rest:
        groups = [number & 0x7F]
        while number := number >> 7:
            groups.append(0x80 | number & 0x7F)
        out += bytes(reversed(groups))
    return bytes(out)
