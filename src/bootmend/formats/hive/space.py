"""Free cells: best fit, split, coalesce, and new hive bins when nothing fits.

Nothing is moved and nothing is wiped: a freed cell keeps its bytes, so that an edit dirties
few pages. A new bin goes over the bytes behind the last one first (Windows keeps files longer
than their bins), and only then makes the file longer.

In a hive that did not pass its check nothing is ever freed: a cell may have a second owner.
"""

from __future__ import annotations

from bisect import bisect_left, insort

from bootmend.errors import ParseError, Refused
from bootmend.formats.hive.baseblock import BASE_SIZE, PAGE
from bootmend.formats.hive.bins import walk_bins, walk_cells
from bootmend.formats.hive.cells import Cells
from bootmend.formats.hive.records import HBIN, I32
from bootmend.texts import say

LARGEST_HIVE = 0x7FFFFFFF
"""Bytes of hive bins; the high bit of an offset means "volatile"."""
WORTH_SHRINKING = 64
"""Bytes a cell keeps to itself when its content gets shorter; Windows never gives them back."""


class Space:
    """The free cells of the hive in `cells`, whose data must be a bytearray."""

    def __init__(self, cells: Cells, sound: bool = True) -> None:
        assert isinstance(cells.data, bytearray)
        self.cells = cells
        self.data = cells.data
        self.sound = sound
        self._sizes: dict[int, int] = {}
        self._ends: dict[int, int] = {}
        self._by_size: list[tuple[int, int]] = []
        for start, length in self._bins():
            try:
                bin_cells = list(walk_cells(self.data, cells.file, start, length))
            except ParseError:
                continue  # a bin that cannot be walked is not written to; only reached unless `sound`
            for offset, size in bin_cells:
                if size > 0:
                    # Free neighbours count as one; in the file they stay as they are until the space is used.
                    first = self._ends.pop(offset, offset)
                    self._sizes[first] = offset + size - first
                    self._ends[offset + size] = first
        self._by_size = sorted((size, offset) for offset, size in self._sizes.items())

    def _bins(self) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        try:
            for bin_ in walk_bins(self.data, self.cells.file, self.cells.size):
                found.append(bin_)
        except ParseError:
            if self.sound:
                raise
        return found

    def allocate(self, length: int) -> int:
        """A cell in use with a zeroed body of at least `length` bytes; its offset."""
        size = (length + 4 + 7) & ~7
        at = bisect_left(self._by_size, (size, 0))
        offset = self._by_size[at][1] if at < len(self._by_size) else self._grow(size)
        rest = self._take(offset) - size
        if rest:
            self._put(offset + size, rest)
        I32.pack_into(self.data, BASE_SIZE + offset, -size)
        start = BASE_SIZE + offset + 4
        self.data[start : start + size - 4] = bytes(size - 4)
        return offset

    def free(self, offset: int) -> None:
        """Give a cell in use back, joined with its free neighbours."""
        size = self.cells.capacity(offset, "a cell to free") + 4
        if not self.sound:
            return
        start, end = offset, offset + size
        if end in self._sizes:
            end += self._take(end)
        if start in self._ends:
            start = self._ends[start]
            self._take(start)
        self._put(start, end - start)

    def shrink(self, offset: int, length: int) -> None:
        """Cut a cell in use down to `length` bytes of body, where that gives back enough to matter."""
        kept = (length + 4 + 7) & ~7
        size = self.cells.capacity(offset, "a cell to shrink") + 4
        if size - kept < WORTH_SHRINKING or not self.sound:
            return
        I32.pack_into(self.data, BASE_SIZE + offset, -kept)
        I32.pack_into(self.data, BASE_SIZE + offset + kept, kept - size)
        self.free(offset + kept)

    def _take(self, offset: int) -> int:
        size = self._sizes.pop(offset)
        del self._ends[offset + size]
        del self._by_size[bisect_left(self._by_size, (size, offset))]
        return size

    def _put(self, offset: int, size: int) -> None:
        I32.pack_into(self.data, BASE_SIZE + offset, size)
        self._sizes[offset] = size
        self._ends[offset + size] = offset
        insort(self._by_size, (size, offset))

    def _grow(self, size: int) -> int:
        """A new hive bin with one free cell of at least `size` bytes; the cell's offset."""
        start = self.cells.size
        length = (size + HBIN.size + PAGE - 1) & ~(PAGE - 1)
        if start + length > LARGEST_HIVE or start % PAGE:
            raise Refused(say("hive.full", file=self.cells.file))
        missing = BASE_SIZE + start + length - len(self.data)
        if missing > 0:
            self.data += bytes(missing)
        HBIN.pack_into(self.data, BASE_SIZE + start, b"hbin", start, length, 0, 0, 0)
        self.cells.size = start + length
        self._put(start + HBIN.size, length - HBIN.size)
        return start + HBIN.size
