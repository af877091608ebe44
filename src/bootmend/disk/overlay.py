"""Copy-on-write: writes land in blocks of our own, the device below is never written.

A block of 64 KiB is copied up at its first partial write. The first blocks stay in memory; past
a bound further ones go to an unnamed temporary file, so a plan that rewrites gigabytes does not
need gigabytes of memory. Nothing survives the process, and nothing has to: what is to last is
handed on as `patches()`, true differences only, one after the other.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from heapq import merge
from typing import IO

from bootmend.disk.device import BlockDevice, Patch
from bootmend.errors import DeviceError

BLOCK = 64 * 1024
_SECTOR = 512
_MOST_IN_A_PATCH = 1 << 20


class Overlay(BlockDevice):
    """The device below plus our own writes; always writable. `memory_bound` in bytes."""

    def __init__(self, under: BlockDevice, memory_bound: int = 64 << 20) -> None:
        self.under = under
        self.name = under.name
        self.size = under.size
        self.sector_size = under.sector_size
        self.container = under.container
        self.traffic = under.traffic
        self.writable = True
        self._in_memory: dict[int, bytearray] = {}
        self._spilled: dict[int, int] = {}
        """Block number to offset in the temporary file."""
        self._most_in_memory = memory_bound // BLOCK
        self._spill: IO[bytes] | None = None

    def _read(self, offset: int, length: int) -> bytes:
        pieces: list[bytes] = []
        at, end = offset, offset + length
        below = at  # [below, at) is still to be read from the device below, in one go
        while at < end:
            number = at // BLOCK
            stop = min((number + 1) * BLOCK, end)
            if self._holds(number):
                if below < at:
                    pieces.append(self.under.read(below, at - below))
                pieces.append(self._piece(number, at - number * BLOCK, stop - number * BLOCK))
                below = stop
            at = stop
        if below < end:
            pieces.append(self.under.read(below, end - below))
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _write(self, offset: int, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            number, low = divmod(offset, BLOCK)
            piece = rest[: BLOCK - low]
            self._store(number, low, piece)
            offset += len(piece)
            rest = rest[len(piece) :]

    def close(self) -> None:
        """Forgets every write; the device below stays open and as it was."""
        if self._spill is not None:
            self._spill.close()
            self._spill = None
        self._in_memory.clear()
        self._spilled.clear()

    def data_extents(self) -> Iterator[tuple[int, int]]:
        own = ((number * BLOCK, number * BLOCK + self._length(number)) for number in self._numbers())
        start = end = 0
        for low, high in merge(self.under.data_extents(), own):
            if low > end:
                if end > start:
                    yield (start, end)
                start = low
            end = max(end, high)
        if end > start:
            yield (start, end)

    def prefetch(self, ranges: Iterable[tuple[int, int]]) -> None:
        self.under.prefetch(ranges)

    def patches(self) -> Iterator[Patch]:
        """What differs from the device below, ascending: whole sectors, joined, at most 1 MiB each."""
        start, before, after = 0, bytearray(), bytearray()
        for offset, old, new in self._changed_runs():
            if after and (offset != start + len(after) or len(after) + len(new) > _MOST_IN_A_PATCH):
                yield Patch(start, bytes(before), bytes(after))
                before, after = bytearray(), bytearray()
            if not after:
                start = offset
            before += old
            after += new
        if after:
            yield Patch(start, bytes(before), bytes(after))

    def changed_bytes(self) -> int:
        """Bytes in sectors that differ from the device below."""
        return sum(len(new) for _, _, new in self._changed_runs())

    def _changed_runs(self) -> Iterator[tuple[int, bytes, bytes]]:
        """(offset, old, new) for runs of differing sectors, each inside one block."""
        for number in self._numbers():
            length = self._length(number)
            new = self._piece(number, 0, length)
            old = self.under.read(number * BLOCK, length)
            if new == old:
                continue
            run = -1
            for at in range(0, length, _SECTOR):
                if new[at : at + _SECTOR] != old[at : at + _SECTOR]:
                    run = at if run < 0 else run
                elif run >= 0:
                    yield (number * BLOCK + run, old[run:at], new[run:at])
                    run = -1
            if run >= 0:
                yield (number * BLOCK + run, old[run:], new[run:])

    def _holds(self, number: int) -> bool:
        return number in self._in_memory or number in self._spilled

    def _numbers(self) -> list[int]:
        return sorted([*self._in_memory, *self._spilled])

    def _length(self, number: int) -> int:
        """Bytes of the block: the last one ends with the device."""
        return min(BLOCK, self.size - number * BLOCK)

    def _piece(self, number: int, low: int, high: int) -> bytes:
        block = self._in_memory.get(number)
        if block is not None:
            return bytes(block[low:high])
        assert self._spill is not None
        self._spill.seek(self._spilled[number] + low)
        return self._spill.read(high - low)

    def _store(self, number: int, low: int, data: memoryview) -> None:
        block = self._in_memory.get(number)
        if block is not None:
            block[low : low + len(data)] = data
        elif number in self._spilled:
            self._spill_at(self._spilled[number] + low, data)
        else:
            whole = len(data) == self._length(number)
            content = bytearray(data if whole else self.under.read(number * BLOCK, self._length(number)))
            content[low : low + len(data)] = data
            if len(self._in_memory) < self._most_in_memory:
                self._in_memory[number] = content
            else:
                slot = len(self._spilled) * BLOCK
                self._spill_at(slot, content)
                self._spilled[number] = slot

    def _spill_at(self, offset: int, data: bytearray | memoryview) -> None:
        try:
            if self._spill is None:
                self._spill = tempfile.TemporaryFile(prefix="bootmend-overlay-", buffering=0)  # noqa: SIM115
            self._spill.seek(offset)
            rest = memoryview(data)
            while rest:
                rest = rest[self._spill.write(rest) :]
        except OSError as error:
            folder = tempfile.gettempdir()
            raise DeviceError(f"{self.name}: changes cannot be kept in {folder}: {error.strerror}") from error
