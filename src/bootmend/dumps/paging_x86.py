"""The page tables of 32-bit x86: of two levels, and of three (PAE).

    plain   10 bits of the address, 10 bits, 12 within the page; entries of 4 bytes; large pages of 4 MiB
    PAE     2 bits, 9 bits, 9 bits, 12 within the page; entries of 8 bytes; large pages of 2 MiB

Source: Intel's manual, volume 3, chapter 4. A large page of plain tables keeps bits 32 to 39 of its address in
bits 13 to 20 of its entry (PSE-36). Pages in transition are read as on x64; that marks against the flaw L1TF are set
in their entries is not known here: such a page counts as not there.
"""

from __future__ import annotations

from bootmend.dumps.memory import PAGE, PagedMemory, Pages
from bootmend.dumps.paging_x64 import FRAME, LARGE, PRESENT, in_transition
from bootmend.dumps.reader import Reader

_ADDRESSES = 1 << 32
_PLAIN_FRAME, _PLAIN_LARGE = 0xFFFF_F000, 0xFFC0_0000
_POINTERS = 0xFFFF_FFE0
"""The four first entries of PAE stand on a multiple of 32 bytes, anywhere in a page."""


class X86Memory(PagedMemory):
    """Behind the tables at `root`. The header tells their kind, or does not: then the list of modules does."""

    width = 4

    def __init__(self, reader: Reader, pages: Pages, root: int, loaded_list: int, *, pae: bool) -> None:
        super().__init__(reader, pages)
        self._root = root
        self.pae = pae
        if not self.joins(loaded_list):
            self.pae = not pae
            if not self.joins(loaded_list):
                self.pae = pae

    def translate(self, address: int) -> int | None:
        if not 0 <= address < _ADDRESSES:
            return None
        return self._three_levels(address) if self.pae else self._two_levels(address)

    def _two_levels(self, address: int) -> int | None:
        entry = self.entry((self._root & _PLAIN_FRAME) + (address >> 22) * 4, 4)
        if entry is None or not entry & PRESENT:
            return None
        if entry & LARGE:
            return entry & _PLAIN_LARGE | (entry >> 13 & 0xFF) << 32 | address & ~_PLAIN_LARGE
        return self._page((entry & _PLAIN_FRAME) + (address >> 12 & 0x3FF) * 4, 4, address)

    def _three_levels(self, address: int) -> int | None:
        entry = self.entry((self._root & _POINTERS) + (address >> 30) * 8, 8)
        if entry is None or not entry & PRESENT:
            return None
        entry = self.entry((entry & FRAME) + (address >> 21 & 0x1FF) * 8, 8)
        if entry is None or not entry & PRESENT:
            return None
        if entry & LARGE:
            return entry & FRAME & ~0x1FFFFF | address & 0x1FFFFF
        return self._page((entry & FRAME) + (address >> 12 & 0x1FF) * 8, 8, address)

    def _page(self, place: int, width: int, address: int) -> int | None:
        """By the entry of the last level."""
        entry = self.entry(place, width)
        if entry is None or not (entry & PRESENT or in_transition(entry)):
            return None
        return entry & FRAME | address & (PAGE - 1)
