"""The images that a stack runs through: from their files, or from the pages that the dump holds."""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import cached_property

from bootmend.dumps.memory import Memory
from bootmend.dumps.modules import Module
from bootmend.dumps.pdb_id import PdbId, read_pdb_id
from bootmend.errors import ParseError
from bootmend.formats.pe import AMD64, Pe

_EXPORTS, _PDATA, _DEBUG = 0, 3, 6
_ROWS = 7
"""Data directories that are looked at."""
_HEADERS = 0x1000
_MOST_PDATA = 64 << 20
_MOST_NAMES = 30_000
"""ntoskrnl exports 3,000."""
_LONGEST_NAME = 256

FindImage = Callable[[Module], Pe | None]
"""The file of a module; None where there is none. Raises OtherBuild."""


class OtherBuild(Exception):
    """There is a file of that module, but not the one that ran; it never leaves this room."""


class ImageCode:
    """What the two kinds have in common: names of functions, out of the table of exports."""

    pdata: tuple[int, int]
    export_table: int
    """RVA; 0 where there is none."""
    debug_table: tuple[int, int]

    def read(self, rva: int, length: int) -> bytes | None:
        raise NotImplementedError

    def name_at(self, rva: int) -> str:
        """The exported function that starts at `rva`; empty where none does, or where it has no name."""
        addresses, ordinals, pointers = self._exports
        if not rva or rva not in addresses:
            return ""
        number = addresses.index(rva)
        return self._text(pointers[ordinals.index(number)]) if number in ordinals else ""

    @cached_property
    def pdb_id(self) -> PdbId | None:
        return read_pdb_id(self)

    @cached_property
    def _exports(self) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        """Addresses of functions; for each name the number of its function, and where the name stands."""
        head = self.read(self.export_table, 40) if self.export_table else None
        if head is None:
            return (), (), ()
        functions, names, addresses, pointers, ordinals = struct.unpack_from("<5I", head, 0x14)
        functions, names = min(functions, _MOST_NAMES), min(names, _MOST_NAMES)
        where = self.read(addresses, functions * 4)
        texts, numbers = self.read(pointers, names * 4), self.read(ordinals, names * 2)
        if where is None or texts is None or numbers is None:
            return (), (), ()
        rows = (f"<{functions}I", where), (f"<{names}H", numbers), (f"<{names}I", texts)
        one, two, three = (struct.unpack(layout, data) for layout, data in rows)
        return one, two, three

    def _text(self, rva: int) -> str:
        for length in (64, _LONGEST_NAME, 8):
            raw = self.read(rva, length)
            if raw is not None and b"\0" in raw:
                name = raw.split(b"\0")[0].decode("latin-1")
                return name if name.isprintable() else ""
        return ""


class FileCode(ImageCode):
    """The code of an image's file."""

    def __init__(self, pe: Pe) -> None:
        self._pe = pe
        rows = (*pe.directories, *[(0, 0)] * _ROWS)
        self.pdata, self.debug_table = rows[_PDATA], rows[_DEBUG]
        self.export_table = rows[_EXPORTS][0]

    def read(self, rva: int, length: int) -> bytes | None:
        try:
            return self._pe.at_rva(rva, length, "code").bytes(0, length)
        except ParseError:
            return None


class MemoryCode(ImageCode):
    """The code of a loaded image, as far as its pages are in the dump."""

    def __init__(self, memory: Memory, module: Module) -> None:
        self._memory = memory
        self._module = module
        self.pdata = self.debug_table = (0, 0)
        self.export_table = 0
        head = self.read(0, _HEADERS)
        coff = int.from_bytes(head[0x3C:0x40], "little") if head is not None and head[:2] == b"MZ" else _HEADERS
        if head is None or head[coff : coff + 4] != b"PE\0\0" or head[coff + 24 : coff + 26] != b"\x0b\x02":
            return
        rows = head[coff + 24 + 112 : coff + 24 + 112 + _ROWS * 8]
        if len(rows) == _ROWS * 8:
            self.export_table = int.from_bytes(rows[:4], "little")
            rva, size = struct.unpack_from("<II", rows, _DEBUG * 8)
            self.debug_table = (rva, size)
            rva, size = struct.unpack_from("<II", rows, _PDATA * 8)
            self.pdata = (rva, size) if size <= _MOST_PDATA else (0, 0)

    def read(self, rva: int, length: int) -> bytes | None:
        if rva < 0 or rva + length > self._module.size:
            return None
        return self._memory.read(self._module.base + rva, length)


def fits(pe: Pe, module: Module) -> bool:
    """Whether a file is the very image of a module: its time stamp and its size in memory are the same.

    Where the dump does not hold the page with the time stamp, the checksum of the loader's own list stands for it.
    """
    if pe.machine != AMD64 or pe.size_of_image != module.size:
        return False
    return pe.timestamp == module.timestamp if module.timestamp is not None else module.checksum in (None, pe.checksum)
