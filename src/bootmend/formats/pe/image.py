"""The headers of a PE image, with every size and offset checked before it is believed.

    MZ header -> e_lfanew -> "PE\\0\\0" -> COFF header -> optional header (PE32 or PE32+)
      -> data directories (address, size)      [4] is the certificate table, a file offset
      -> section table -> sections             RVA ranges backed by file ranges

Source: Microsoft, "PE Format". `Pe.parse` raises ParseError for what Windows would not map as
an image: no PE at all, a section table or section outside the file, sections that share
addresses. A certificate table that is not sound (outside the file, or over bytes that are
mapped) is an answer, not an error: the headers still say what the file is.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bootmend.binary import View
from bootmend.formats.pe import tables, version

I386, ARMNT, AMD64, ARM64 = 0x14C, 0x1C4, 0x8664, 0xAA64
"""`Pe.machine` of the processors Windows runs on."""

EXPORTS, IMPORTS, RESOURCES, CERTIFICATES = 0, 1, 2, 4
"""Indexes of data directories."""

_DLL = 0x2000
_PE32, _PE32_PLUS = 0x10B, 0x20B
_PAGE = 0x1000
_CHUNK = 1 << 16
_MOST_SECTIONS = 96
_MOST_DIRECTORIES = 16


HEAD = 4096
"""Bytes from the start of an image that hold its headers, for `machine_of`."""


def machine_of(head: bytes) -> int | None:
    """The machine type in the first bytes of an image; None where they are none."""
    at = int.from_bytes(head[0x3C:0x40], "little")
    if head[:2] != b"MZ" or head[at : at + 4] != b"PE\0\0" or len(head) < at + 6:
        return None
    return int.from_bytes(head[at + 4 : at + 6], "little")


@dataclass(frozen=True, slots=True)
class Section:
    """`raw_size` bytes at `raw_offset` of the file, mapped at `rva` for `virtual_size` bytes."""

    name: str
    rva: int
    virtual_size: int
    raw_offset: int
    raw_size: int
    flags: int

    @property
    def mapped(self) -> int:
        """How many bytes of the file are mapped: linkers round `raw_size` up, sometimes past the end of the file."""
        return min(self.raw_size, -(-(self.virtual_size or self.raw_size) // _PAGE) * _PAGE)


@dataclass(frozen=True, slots=True)
class Pe:
    """A PE image; `data` is the whole file. Offsets and sizes in bytes."""

    view: View = field(repr=False)
    machine: int
    plus64: bool
    timestamp: int
    characteristics: int
    checksum: int
    """As the header has it; `compute_checksum` says what it should be."""
    checksum_offset: int
    """Where in the file the checksum field stands."""
    size_of_image: int
    size_of_headers: int
    subsystem: int
    """1 native (drivers), 2 and 3 programs, 10-13 EFI, 16 boot application."""
    entry_point: int
    """RVA; 0 where there is none."""
    directories: tuple[tuple[int, int], ...] = field(repr=False)
    """(RVA, size) of each data directory present; of the certificate table (file offset, size)."""
    directories_offset: int
    sections: tuple[Section, ...] = field(repr=False)

    @classmethod
    def parse(cls, data: bytes, file: str) -> Pe:
        """The headers of `data`; ParseError names `file`, the offset and what was expected there."""
        view = View(data, file)
        if view.bytes(0, 2, "an MZ header") != b"MZ":
            raise view.fail(0, "'MZ'", repr(view.bytes(0, 2)))
        coff = view.u32(0x3C, "the offset of the PE header")
        if view.bytes(coff, 4, "a PE header") != b"PE\0\0":
            raise view.fail(coff, "'PE\\0\\0'", repr(view.bytes(coff, 4)))
        count = view.u16(coff + 6, "the number of sections")
        optional_size = view.u16(coff + 20)
        optional = view.sub(coff + 24, optional_size, "an optional header")
        magic = optional.u16(0)
        if magic not in (_PE32, _PE32_PLUS):
            raise optional.fail(0, "PE32 (0x10b) or PE32+ (0x20b)", hex(magic))
        plus64 = magic == _PE32_PLUS
        if not 1 <= count <= _MOST_SECTIONS:
            raise view.fail(coff + 6, f"1 to {_MOST_SECTIONS} sections", str(count))
        first = 112 if plus64 else 96
        size_of_headers = optional.u32(60)
        if size_of_headers > len(data):
            raise optional.fail(60, f"headers inside the file's {len(data)} bytes", str(size_of_headers))
        count_of_directories = min(optional.u32(first - 4, "the number of data directories"), _MOST_DIRECTORIES)
        rows = optional.sub(first, count_of_directories * 8, "the data directories")
        return cls(
            view=view,
            machine=view.u16(coff + 4),
            plus64=plus64,
            timestamp=view.u32(coff + 8),
            characteristics=view.u16(coff + 22),
            checksum=optional.u32(64),
            checksum_offset=optional.base + 64,
            size_of_image=optional.u32(56),
            size_of_headers=size_of_headers,
            subsystem=optional.u16(68),
            entry_point=optional.u32(16),
            directories=tuple((rows.u32(at), rows.u32(at + 4)) for at in range(0, len(rows), 8)),
            directories_offset=rows.base,
            sections=_sections(view, coff + 24 + optional_size, count, optional.u32(32)),
        )

    @property
    def file(self) -> str:
        return self.view.file

    @property
    def data(self) -> bytes:
        return self.view.data  # type: ignore[return-value]  # parse() takes bytes only

    @property
    def is_dll(self) -> bool:
        return bool(self.characteristics & _DLL)

    @property
    def certificate_entry(self) -> int | None:
        """File offset of the data directory entry of the certificate table; None where there is no such entry."""
        return self.directories_offset + CERTIFICATES * 8 if len(self.directories) > CERTIFICATES else None

    @property
    def claims_certificates(self) -> bool:
        """The header names a certificate table, sound or not; without an offset or a size it names none."""
        return len(self.directories) > CERTIFICATES and all(self.directories[CERTIFICATES])

    @property
    def certificate_table(self) -> tuple[int, int] | None:
        """(file offset, size) of the certificate table, if it lies in the file and behind all that is mapped.

        A table over mapped bytes would take them out of the image hash, so such a claim is not believed.
        """
        if not self.claims_certificates:
            return None
        offset, size = self.directories[CERTIFICATES]
        mapped = max(self.size_of_headers, *(part.raw_offset + part.mapped for part in self.sections if part.mapped), 0)
        sound = size >= 8 and offset >= mapped and offset + size <= len(self.view)
        return (offset, size) if sound else None

    def at_rva(self, rva: int, length: int, what: str) -> View:
        """`length` bytes of the file that are mapped at `rva`; ParseError where the file has none for it."""
        if rva + length <= self.size_of_headers:
            return self.view.sub(rva, length, what)
        for part in self.sections:
            if part.rva <= rva and rva + length <= part.rva + part.raw_size:
                return self.view.sub(part.raw_offset + rva - part.rva, length, what)
        raise self.view.fail(0, f"{what} in a section", f"RVA {rva:#x}, {length} bytes")

    def room_at(self, rva: int) -> int:
        """How many bytes of the file stand from `rva` to the end of its section; 0 where none do."""
        for part in self.sections:
            if part.rva <= rva < part.rva + part.raw_size:
                return min(part.rva + part.raw_size - rva, max(len(self.view) - part.raw_offset - (rva - part.rva), 0))
        return max(self.size_of_headers - rva, 0)

    def compute_checksum(self) -> int:
        """The checksum the header should have: the file's 16-bit words summed with end-around carry, plus its size.

        Source: the algorithm of CheckSumMappedFile (imagehlp). 2^16 is 1 modulo 0xFFFF: one division sums many words.
        """
        at = self.checksum_offset
        data = self.data
        own = int.from_bytes(data[at : at + 4], "little") << at % 2 * 8
        words = sum(int.from_bytes(data[low : low + _CHUNK], "little") % 0xFFFF for low in range(0, len(data), _CHUNK))
        # Never a sum of zero: the file starts with "MZ".
        total = (words - own) % 0xFFFF or 0xFFFF
        return (total + len(data)) & 0xFFFFFFFF

    def imports(self) -> dict[str, list[str]]:
        """Library -> names it must export, in file order; ordinals read `#12`."""
        return tables.imports(self)

    def exports(self) -> list[str]:
        return tables.exports(self)

    def version(self) -> version.VersionInfo | None:
        """The version resource; None where the image has none."""
        return version.read(self)


def _sections(view: View, start: int, count: int, alignment: int) -> tuple[Section, ...]:
    table = view.sub(start, count * 40, f"a table of {count} sections")
    parts = []
    end = 0
    for at in range(0, count * 40, 40):
        part = Section(
            name=table.bytes(at, 8).rstrip(b"\0").decode("latin-1"),
            virtual_size=table.u32(at + 8),
            rva=table.u32(at + 12),
            raw_size=table.u32(at + 16),
            raw_offset=table.u32(at + 20),
            flags=table.u32(at + 36),
        )
        size = part.virtual_size or part.raw_size
        if part.mapped and part.raw_offset + part.mapped > len(view):
            raise table.fail(at + 20, f"section {part.name} inside the file's {len(view)} bytes", hex(part.raw_offset))
        if alignment >= _PAGE and part.rva < end:
            raise table.fail(at + 12, f"section {part.name} at or after RVA {end:#x}", hex(part.rva))
        if part.rva + size > 1 << 32:
            raise table.fail(at + 8, f"section {part.name} below 4 GiB", hex(size))
        end = part.rva + size
        parts.append(part)
    return tuple(parts)
