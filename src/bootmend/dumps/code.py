"""The images that a stack runs through: from their files, or from the pages that the dump holds."""

from __future__ import annotations

from collections.abc import Callable

from bootmend.dumps.memory import Memory
from bootmend.dumps.modules import Module
from bootmend.errors import ParseError
from bootmend.formats.pe import AMD64, Pe

_PDATA = 3
_HEADERS = 0x1000
_MOST_PDATA = 64 << 20

FindImage = Callable[[Module], Pe | None]
"""The file of a module; None where there is none, or where it is another build of it."""


class FileCode:
    """The code of an image's file."""

    def __init__(self, pe: Pe) -> None:
        self._pe = pe
        rva, size = pe.directories[_PDATA] if len(pe.directories) > _PDATA else (0, 0)
        self.pdata = (rva, size)

    def read(self, rva: int, length: int) -> bytes | None:
        try:
            return self._pe.at_rva(rva, length, "code").bytes(0, length)
        except ParseError:
            return None


class MemoryCode:
    """The code of a loaded image, as far as its pages are in the dump."""

    def __init__(self, memory: Memory, module: Module) -> None:
        self._memory = memory
        self._module = module
        self.pdata = self._table()

    def read(self, rva: int, length: int) -> bytes | None:
        if rva < 0 or rva + length > self._module.size:
            return None
        return self._memory.read(self._module.base + rva, length)

    def _table(self) -> tuple[int, int]:
        head = self.read(0, _HEADERS)
        if head is None or head[:2] != b"MZ":
            return (0, 0)
        coff = int.from_bytes(head[0x3C:0x40], "little")
        if head[coff : coff + 4] != b"PE\0\0" or head[coff + 24 : coff + 26] != b"\x0b\x02":
            return (0, 0)
        at = coff + 24 + 112 + _PDATA * 8
        row = head[at : at + 8]
        rva, size = int.from_bytes(row[:4], "little"), int.from_bytes(row[4:], "little")
        return (rva, size) if len(row) == 8 and size <= _MOST_PDATA else (0, 0)


def fits(pe: Pe, module: Module) -> bool:
    """Whether a file is the very image of a module: its time stamp and its size in memory are the same."""
    return pe.machine == AMD64 and pe.size_of_image == module.size and module.timestamp in (None, pe.timestamp)
