"""Full dumps (type 1): all runs of physical memory one after the other behind the header."""

from __future__ import annotations

from bisect import bisect_right

from bootmend.binary import View
from bootmend.dumps.header import Header
from bootmend.dumps.memory import PAGE
from bootmend.dumps.reader import Reader

_MOST_FRAMES = 1 << 40
"""52 bits of physical address: what x64 has at most."""


class RunPages:
    """Where the pages of the header's runs stand."""

    def __init__(self, reader: Reader, header: Header) -> None:
        if not header.runs:
            raise View(b"", reader.name, 0x88 if header.bits == 64 else 0x64).fail(
                0, "runs of memory in a full dump", "none"
            )
        offset = header.size
        rows = []
        for run in header.runs:
            if run.count > _MOST_FRAMES or run.first > _MOST_FRAMES:
                raise View(b"", reader.name, 0x98 if header.bits == 64 else 0x6C).fail(
                    0, "a run of memory below 4 PiB", f"frame {run.first:#x}"
                )
            rows.append((run.first, run.count, offset))
            offset += run.count * PAGE
        self.end = offset
        """How long the whole file must be."""
        self._rows = sorted(rows)
        self._firsts = [row[0] for row in self._rows]

    @property
    def frames(self) -> int:
        return max(first + count for first, count, _ in self._rows)

    def offset_of(self, frame: int) -> int | None:
        at = bisect_right(self._firsts, frame) - 1
        if at < 0:
            return None
        first, count, offset = self._rows[at]
        return offset + (frame - first) * PAGE if frame - first < count else None
