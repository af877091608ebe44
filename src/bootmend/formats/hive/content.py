"""A value's data in cells: inside the record, in a cell of its own, or as big data in segments."""

from __future__ import annotations

from bootmend.errors import Refused
from bootmend.formats.hive.cells import Cells
from bootmend.formats.hive.lists import segments
from bootmend.formats.hive.records import DB, INLINE, SEGMENT, U32, ValueRecord
from bootmend.formats.hive.space import Space
from bootmend.texts import say

LARGEST_PLAIN = 1 << 20
"""Bytes of a value in hives before 1.4, which know no big data."""
LARGEST_BIG = SEGMENT * 0xFFFF
SEGMENT_ROOM = SEGMENT + 4
"""Of every segment, the last too: so Windows allocates them, and so it may count on them when the value grows."""


class Content:
    """Stores and frees the data of values in one hive."""

    def __init__(self, cells: Cells, space: Space, minor: int) -> None:
        self.cells = cells
        self.space = space
        self.segmented = minor > 3

    def store(self, data: bytes) -> tuple[int, int]:
        """Put data into new cells; the size and offset fields of a record that names it."""
        if len(data) > (LARGEST_BIG if self.segmented else LARGEST_PLAIN):
            raise Refused(say("hive.too_long", file=self.cells.file, size=len(data)))
        if len(data) <= 4:
            return len(data) | INLINE, int.from_bytes(data, "little")
        if len(data) > SEGMENT and self.segmented:
            return len(data), self._store_big(data)
        cell = self.space.allocate(len(data))
        self.cells.put(cell, 0, data)
        return len(data), cell

    def replace(self, record: ValueRecord, data: bytes) -> tuple[int, int]:
        """Put data where the record's old data stands, if it fits a cell of its own there; else free and store."""
        plain = len(data) > 4 and not (len(data) > SEGMENT and self.segmented)
        cell = plain and not record.inline and 0 < record.length <= SEGMENT
        if cell and self.cells.capacity(record.data, "the data of a value") >= len(data):
            self.cells.put(record.data, 0, data)
            self.space.shrink(record.data, len(data))
            return len(data), record.data
        self.free(record)
        return self.store(data)

    def free(self, record: ValueRecord) -> None:
        """Free the cells of a record's data."""
        if record.inline or record.length == 0:
            return
        capacity = self.cells.capacity(record.data, "the data of a value")
        if capacity < record.length > SEGMENT:
            freed: list[int] = []

            def listed(cell: int) -> bool:
                freed.append(cell)
                return True

            segments(self.cells, record.data, record.length, listed)
            for cell in freed:
                self.space.free(cell)
        self.space.free(record.data)

    def _store_big(self, data: bytes) -> int:
        listed = b""
        for at in range(0, len(data), SEGMENT):
            part = data[at : at + SEGMENT]
            cell = self.space.allocate(SEGMENT_ROOM)
            self.cells.put(cell, 0, part)
            listed += U32.pack(cell)
        entries = self.space.allocate(len(listed))
        self.cells.put(entries, 0, listed)
        top = self.space.allocate(DB.size)
        self.cells.put(top, 0, DB.pack(b"db", len(listed) // U32.size, entries))
        return top
