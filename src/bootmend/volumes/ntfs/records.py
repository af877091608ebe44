"""One file record of the $MFT: fixups, header, attributes.

Format: FILE_RECORD_SEGMENT_HEADER and ATTRIBUTE_RECORD_HEADER in Microsoft's "Master File Table" pages.
"""

from __future__ import annotations

from dataclasses import dataclass

from bootmend.binary import View
from bootmend.volumes.ntfs.boot import SECTOR

STANDARD_INFORMATION, ATTRIBUTE_LIST, FILE_NAME, SECURITY_DESCRIPTOR = 0x10, 0x20, 0x30, 0x50
VOLUME_NAME, VOLUME_INFORMATION, DATA, INDEX_ROOT, INDEX_ALLOCATION = 0x60, 0x70, 0x80, 0x90, 0xA0
BITMAP, REPARSE_POINT = 0xB0, 0xC0
END_OF_ATTRIBUTES = 0xFFFFFFFF

IN_USE, IS_DIRECTORY = 0x1, 0x2
COMPRESSED, ENCRYPTED, SPARSE = 0x00FF, 0x4000, 0x8000
"""Flags of an attribute."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute record; `value` is set where it is resident, `pairs` and the sizes where it is not."""

    at: int
    """Where it begins in its file record, in bytes."""
    type: int
    name: str
    flags: int
    value: View | None
    pairs: View | None = None
    first_vcn: int = 0
    last_vcn: int = -1
    size: int = 0
    initialized: int = 0


@dataclass(frozen=True, slots=True)
class Record:
    """A file record, its fixups undone; `base` is the reference of the record this one extends, 0 for a base record."""

    number: int
    sequence: int
    links: int
    flags: int
    base: int
    attributes: tuple[Attribute, ...]

    @property
    def reference(self) -> int:
        """What directories and attribute lists hold: the number, and the sequence in the top 16 bits."""
        return self.number | self.sequence << 48


def undo_fixups(view: View, magic: bytes) -> View:
    """A multi-sector structure as it was before it was protected; raises ParseError on a torn write."""
    if view.bytes(0, 4, f"the signature {magic!r}") != magic:
        raise view.fail(0, f"the signature {magic!r}", repr(view.bytes(0, 4)))
    start, count = view.u16(4), view.u16(6)
    if count != len(view) // SECTOR + 1 or start < 8 or start + 2 * count > len(view) - 2:
        raise view.fail(4, f"an update sequence for {len(view) // SECTOR} sectors", f"{count} at {start:#x}")
    data = bytearray(view.data)
    number = data[start : start + 2]
    for sector in range(1, count):
        end = sector * SECTOR
        if data[end - 2 : end] != number:
            raise view.fail(end - 2, f"the update sequence number {number.hex()}", data[end - 2 : end].hex())
        data[end - 2 : end] = data[start + 2 * sector : start + 2 * sector + 2]
    return View(bytes(data), view.file, view.base)


def redo_fixups(data: bytes) -> bytes:
    """The opposite of `undo_fixups`, with the next update sequence number."""
    block = bytearray(data)
    start, count = int.from_bytes(block[4:6], "little"), int.from_bytes(block[6:8], "little")
    number = (int.from_bytes(block[start : start + 2], "little") + 1) & 0xFFFF or 1
    block[start : start + 2] = number.to_bytes(2, "little")
    for sector in range(1, count):
        end = sector * SECTOR
        block[start + 2 * sector : start + 2 * sector + 2] = block[end - 2 : end]
        block[end - 2 : end] = number.to_bytes(2, "little")
    return bytes(block)


def parse_record(raw: View, number: int) -> Record:
    """Raises ParseError; a record that is not in use is still parsed."""
    view = undo_fixups(raw, b"FILE")
    used = view.u32(0x18)
    if not 0x30 <= used <= len(view):
        raise view.fail(0x18, f"a used size up to {len(view)}", str(used))
    return Record(
        number=number,
        sequence=view.u16(0x10),
        links=view.u16(0x12),
        flags=view.u16(0x16),
        base=view.u64(0x20),
        attributes=tuple(_attributes(view.sub(0, used), view.u16(0x14))),
    )


def _attributes(view: View, at: int) -> list[Attribute]:
    found: list[Attribute] = []
    if at < 0x28 or at % 8:
        raise view.fail(0x14, "the offset of the first attribute", f"{at:#x}")
    while (kind := view.u32(at, "an attribute or the end mark")) != END_OF_ATTRIBUTES:
        length = view.u32(at + 4, "an attribute's length")
        if length < 0x18 or length % 8:
            raise view.fail(at + 4, "the length of an attribute", str(length))
        found.append(_attribute(at, kind, view.sub(at, length, "a whole attribute")))
        at += length
    return found


def _attribute(at: int, kind: int, view: View) -> Attribute:
    resident, letters = view.u8(8) == 0, view.u8(9)
    name = view.utf16(view.u16(0x0A), 2 * letters, "the attribute's name") if letters else ""
    flags = view.u16(0x0C)
    if resident:
        value = view.sub(view.u16(0x14), view.u32(0x10), "the attribute's value")
        return Attribute(at, kind, name, flags, value, size=len(value), initialized=len(value))
    first, last, start = view.u64(0x10), view.i64(0x18), view.u16(0x20)
    if first > last + 1 or last >= 1 << 48:
        raise view.fail(0x10, "the attribute's first and last cluster", f"{first} to {last}")
    size, initialized = (view.u64(0x30), view.u64(0x38)) if first == 0 else (0, 0)
    if initialized > size:
        raise view.fail(0x38, f"an initialized size up to {size}", str(initialized))
    if not 0x40 <= start <= len(view):
        raise view.fail(0x20, "the offset of the mapping pairs", f"{start:#x}")
    return Attribute(at, kind, name, flags, None, view.sub(start, len(view) - start), first, last, size, initialized)
