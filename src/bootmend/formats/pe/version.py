"""The version resource of a PE image: numbers for programs, strings for people.

    .rsrc: type 16 -> name -> language -> data entry -> VS_VERSIONINFO
             VS_FIXEDFILEINFO            four 16-bit numbers each for file and product
             StringFileInfo -> StringTable (language) -> String (key, value)

Source: Microsoft, "PE Format" (".rsrc") and "VS_VERSIONINFO structure".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bootmend.binary import View

if TYPE_CHECKING:
    from bootmend.formats.pe.image import Pe

_RESOURCES = 2
_VERSION_TYPE = 16
_FIXED_SIGNATURE = 0xFEEF04BD
_SUBFOLDER = 0x80000000
_MOST_ENTRIES = 4096


@dataclass(frozen=True, slots=True)
class VersionInfo:
    """`file_version` and `product_version` as `10.0.20348.1`; `strings` by key, such as `CompanyName`."""

    file_version: str
    product_version: str
    strings: dict[str, str] = field(default_factory=dict)


def read(pe: Pe) -> VersionInfo | None:
    """The first version resource; None where there is none, ParseError where it is broken."""
    base, size = pe.directories[_RESOURCES] if len(pe.directories) > _RESOURCES else (0, 0)
    if not base or not size:
        return None
    place = next((at for kind, at in _entries(pe, base, 0) if kind == _VERSION_TYPE and at & _SUBFOLDER), None)
    for _ in ("name", "language"):
        if place is None:
            return None
        # Its first entry only: with every way tried, folders that share subfolders would multiply.
        place = next((at for _, at in _entries(pe, base, place & ~_SUBFOLDER)), None)
    if place is None:
        return None
    entry = pe.at_rva(base + place, 16, "a resource data entry")
    return _parse(pe.at_rva(entry.u32(0), entry.u32(4), "the version resource"))


def _entries(pe: Pe, base: int, offset: int) -> Iterator[tuple[int, int]]:
    """(identifier, offset from `base`) of each entry of a resource folder; bit 31 marks names and folders."""
    head = pe.at_rva(base + offset, 16, "a resource folder")
    count = head.u16(12) + head.u16(14)
    if count > _MOST_ENTRIES:
        raise head.fail(12, f"at most {_MOST_ENTRIES} resource entries", str(count))
    rows = pe.at_rva(base + offset + 16, count * 8, f"{count} resource entries")
    for number in range(count):
        yield rows.u32(number * 8), rows.u32(number * 8 + 4)


def _parse(view: View) -> VersionInfo:
    key, value, children = _block(view)
    if key != "VS_VERSION_INFO" or len(value) < 52 or value.u32(0) != _FIXED_SIGNATURE:
        raise view.fail(0, "VS_VERSION_INFO with fixed file information", repr(key))
    strings: dict[str, str] = {}
    for info in _blocks(children):
        kind, _, lists = _block(info)
        if kind != "StringFileInfo":
            continue
        for listed in _blocks(lists):
            for entry in _blocks(_block(listed)[2]):
                name, text, _ = _block(entry)
                strings.setdefault(name, text.utf16(0, len(text) & ~1).split("\0")[0])
    return VersionInfo(_dotted(value, 8), _dotted(value, 16), strings)


def _dotted(value: View, at: int) -> str:
    high, low = value.u32(at), value.u32(at + 4)
    return f"{high >> 16}.{high & 0xFFFF}.{low >> 16}.{low & 0xFFFF}"


def _blocks(view: View) -> Iterator[View]:
    """The blocks one after the other in `view`, each starting at a multiple of four bytes."""
    at = 0
    while at + 6 <= len(view):
        length = view.u16(at)
        if length < 6:
            return
        # The last block of real resources may claim its padding, which the parent cuts off.
        yield view.sub(at, min(length, len(view) - at))
        at += length + 3 & ~3


def _block(view: View) -> tuple[str, View, View]:
    """Key, value and children of one block: length, value length (words for text), type, key, value, children."""
    length = min(view.u16(0), len(view))
    size = view.u16(2) * (2 if view.u16(4) else 1)
    raw = view.bytes(6, length - 6 & ~1)
    end = next((at for at in range(0, len(raw), 2) if raw[at : at + 2] == b"\0\0"), len(raw))
    start = min(6 + end + 2 + 3 & ~3, length)
    size = min(size, length - start)
    rest = min(start + size + 3 & ~3, length)
    return (
        raw[:end].decode("utf-16-le", "surrogatepass"),
        view.sub(start, size, "the value of a version block"),
        view.sub(rest, length - rest),
    )
