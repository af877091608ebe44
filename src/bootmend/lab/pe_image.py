"""Sections in, a Windows image out: the headers, the section table and the checksum.

Knows nothing of what the sections hold; `pe_maker` fills them.

Source: Microsoft, "PE Format".
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

I386, AMD64, ARM64 = 0x14C, 0x8664, 0xAA64

PAGE = 0x1000
"""Section alignment in memory."""
HEADERS_SIZE = 0x400
"""Offset of the first section in the file."""

_FILE_ALIGNMENT = 0x200
_PE_AT = 0x80
_DIRECTORIES = {"export": 0, "import": 1, "resource": 2, "exception": 3, "reloc": 5, "iat": 12}
_STUB = b"\x0e\x1f\xba\x0e\x00\xb4\x09\xcd\x21\xb8\x01\x4c\xcd\x21Made by the bootmend lab; not for DOS.\r\n$"
_SECTION_ENTRY = struct.Struct("<8sIIIIIIHHI")


@dataclass(frozen=True, slots=True)
class Section:
    """`data` is loaded at `rva`; `flags` are the section's characteristics."""

    name: bytes
    rva: int
    data: bytes
    flags: int
    more: int = 0
    """Bytes of zeros behind `data` that it has in memory only."""

    @property
    def raw_size(self) -> int:
        return round_up(len(self.data), _FILE_ALIGNMENT)

    @property
    def end(self) -> int:
        """The RVA where the next section may begin."""
        return self.rva + round_up(len(self.data) + self.more, PAGE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Headers:
    """What the headers say beside the sections. `directories`: name -> (RVA, size)."""

    machine: int
    image_base: int
    subsystem: int
    file_flags: int
    dll_flags: int
    time_stamp: int
    directories: Mapping[str, tuple[int, int]]

    @property
    def plus64(self) -> bool:
        return self.machine != I386


def write_image(headers: Headers, sections: Sequence[Section]) -> bytes:
    """The file, with a right checksum. The entry point is the first byte of the first section."""
    raw_at = HEADERS_SIZE
    table = b""
    for section in sections:
        size = section.raw_size
        table += _SECTION_ENTRY.pack(
            section.name, len(section.data) + section.more, section.rva, size, raw_at, 0, 0, 0, 0, section.flags
        )
        raw_at += size
    optional = _optional_header(headers, sections)
    coff = struct.pack(
        "<4sHHIIIHH",
        b"PE\0\0",
        headers.machine,
        len(sections),
        headers.time_stamp,
        0,
        0,
        len(optional),
        headers.file_flags,
    )
    data = bytearray((_dos_header() + coff + optional + table).ljust(HEADERS_SIZE, b"\0"))
    for section in sections:
        data += section.data.ljust(section.raw_size, b"\0")
    put_checksum(data)
    return bytes(data)


def put_checksum(image: bytearray) -> None:
    """Write the right CheckSum into the optional header of a sound image, signed or not.

    The sum of its 16-bit words with the carry added back, CheckSum itself taken as 0, plus the length.
    """
    at = int.from_bytes(image[0x3C:0x40], "little") + 0x58
    image[at : at + 4] = bytes(4)
    words = array("H", bytes(image) + bytes(len(image) % 2))
    total = sum(words)
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    image[at : at + 4] = (total + len(image)).to_bytes(4, "little")


def round_up(value: int, step: int) -> int:
    return -(-value // step) * step


def _dos_header() -> bytes:
    header = struct.pack("<2s13H", b"MZ", 0x90, 3, 0, 4, 0, 0xFFFF, 0, 0xB8, 0, 0, 0, 0x40, 0)
    return (header.ljust(0x3C, b"\0") + _PE_AT.to_bytes(4, "little") + _STUB).ljust(_PE_AT, b"\0")


def _optional_header(headers: Headers, sections: Sequence[Section]) -> bytes:
    code = sections[0]
    initialised = sum(section.raw_size for section in sections[1:])
    directories = bytearray(16 * 8)
    for name, (rva, size) in headers.directories.items():
        struct.pack_into("<II", directories, 8 * _DIRECTORIES[name], rva, size)
    plus64 = headers.plus64
    standard = struct.pack(
        "<HBBIIIII", 0x20B if plus64 else 0x10B, 14, 20, code.raw_size, initialised, 0, code.rva, code.rva
    )
    base_of_data = b"" if plus64 else sections[1].rva.to_bytes(4, "little")
    windows = struct.pack(
        "<QII6HIIIIHH" if plus64 else "<III6HIIIIHH",
        headers.image_base,
        PAGE,
        _FILE_ALIGNMENT,
        *(10, 0, 10, 0, 10, 0),  # version of the system, of the image, of the subsystem
        0,
        sections[-1].end,
        HEADERS_SIZE,
        0,
        headers.subsystem,
        headers.dll_flags,
    )
    stacks = struct.pack("<4Q" if plus64 else "<4I", 0x40000, 0x1000, 0x100000, 0x1000)
    return standard + base_of_data + windows + stacks + struct.pack("<II", 0, 16) + directories
