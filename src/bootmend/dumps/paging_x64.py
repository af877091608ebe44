"""The page tables of x64: four levels, or five (LA57).

Source: Intel and AMD's manuals. A page in transition (trimmed from its working set, still in memory) is read as the
debugger reads it: its frame is valid while the transition bit is set. Where the processor has the flaw L1TF,
Windows sets a bit above all memory in it, but where it says "swizzled" instead.
"""

from __future__ import annotations

from bootmend.dumps.memory import PAGE, PagedMemory, Pages
from bootmend.dumps.reader import Reader

PRESENT, LARGE, PROTOTYPE, TRANSITION = 1, 1 << 7, 1 << 10, 1 << 11
_SWIZZLED = 1 << 4
FRAME = 0x000F_FFFF_FFFF_F000
_LEVELS, _MORE_LEVELS = (39, 30, 21, 12), (48, 39, 30, 21, 12)
"""Bits of an address below the part that indexes each level of page tables."""


def in_transition(entry: int) -> bool:
    """An entry of the last level that is not present, whose page is in memory all the same."""
    return bool(entry & TRANSITION) and not entry & PROTOTYPE


class X64Memory(PagedMemory):
    """Behind the tables at `root`; `loaded_list` is where a list stands, which tells how deep they are."""

    def __init__(self, reader: Reader, pages: Pages, root: int, loaded_list: int = 0) -> None:
        super().__init__(reader, pages)
        self._root = root & FRAME
        self._levels: tuple[int, ...] = _LEVELS
        self._below = (1 << max(pages.frames - 1, 1).bit_length()) - 1
        if not self.joins(loaded_list):
            self._levels = _MORE_LEVELS
            if not self.joins(loaded_list):
                self._levels = _LEVELS

    def translate(self, address: int) -> int | None:
        signs = self._levels[0] + 8
        if not 0 <= address < 1 << 64 or (address >> signs) not in (0, (1 << 64 - signs) - 1):
            return None
        table = self._root
        for shift in self._levels:
            entry = self.entry(table + (address >> shift & 0x1FF) * 8, 8)
            if entry is None:
                return None
            if not entry & PRESENT:
                if shift != 12 or not in_transition(entry):
                    return None
                if not entry & _SWIZZLED:
                    entry &= self._below << 12
            if shift in (30, 21) and entry & LARGE:
                return entry & FRAME & ~((1 << shift) - 1) | address & ((1 << shift) - 1)
            table = entry & FRAME
        return table | address & (PAGE - 1)
