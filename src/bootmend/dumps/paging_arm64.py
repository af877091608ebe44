"""The page tables of arm64 as Windows has them: pages of 4 KiB, four levels.

Windows keeps one table of 512 entries for both halves of the addresses: the lower 256 are those of programs (TTBR0),
the upper 256 those of the kernel (TTBR1). So bits 39 to 47 of an address index it, whatever the processor was told of
its halves. A descriptor is a table or a page where its two last bits are 11, a block of 1 GiB or 2 MiB where they
are 01. Source: Arm's Architecture Reference Manual, chapter D8; that there is one table, and how a page in
transition is marked, from MemProcFS, which reads memory of such machines.
"""

from __future__ import annotations

from bootmend.dumps.memory import PAGE, PagedMemory, Pages
from bootmend.dumps.paging_x64 import in_transition
from bootmend.dumps.reader import Reader

_VALID, _KIND = 1, 3
_FRAME = 0x0000_FFFF_FFFF_F000
_LEVELS = (39, 30, 21, 12)
_BLOCKS = (30, 21)
_SIGNS = 47


class Arm64Memory(PagedMemory):
    """Behind the tables at `root`, a value of TTBR0 or TTBR1: what is no address in it is left out."""

    def __init__(self, reader: Reader, pages: Pages, root: int) -> None:
        super().__init__(reader, pages)
        self._root = root & _FRAME

    def translate(self, address: int) -> int | None:
        if not 0 <= address < 1 << 64 or (address >> _SIGNS) not in (0, (1 << 64 - _SIGNS) - 1):
            return None
        table = self._root
        for shift in _LEVELS:
            entry = self.entry(table + (address >> shift & 0x1FF) * 8, 8)
            if entry is None:
                return None
            if entry & _KIND != _KIND:
                if shift in _BLOCKS and entry & _VALID:
                    return entry & _FRAME & ~((1 << shift) - 1) | address & ((1 << shift) - 1)
                if shift != 12 or entry & _VALID or not in_transition(entry):
                    return None
            table = entry & _FRAME
        return table | address & (PAGE - 1)
