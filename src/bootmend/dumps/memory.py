"""The virtual memory of the machine that stopped, as far as its dump holds it.

Two kinds: pages of physical memory behind the page tables of that machine (full, kernel and bitmap
dumps; how the tables of each processor are walked stands in `paging_*`), and single blocks of virtual
memory (triage dumps). What is not in the dump is None: that is an answer, not an error.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from bootmend.dumps.reader import Reader
from bootmend.errors import ParseError

PAGE = 0x1000
LONGEST_TEXT = 0x2000
"""Bytes of a UNICODE_STRING; its own length field ends at 0xFFFE, real names at a few hundred."""

_MOST_CACHED = 256
"""Pages kept of the last ones read: tables and lists are read again and again. One MiB."""


class Pages(Protocol):
    """Which page frames a dump holds, and where."""

    @property
    def frames(self) -> int:
        """One more than the highest page frame of the machine, as far as the dump tells."""

    def offset_of(self, frame: int) -> int | None:
        """The offset in the file of that page frame; None where the dump does not hold it."""


class Memory(ABC):
    width: int = 8
    """Bytes of a pointer."""

    @abstractmethod
    def read(self, address: int, length: int) -> bytes | None:
        """All of the bytes, or None."""

    def u16(self, address: int) -> int | None:
        return self._number(address, 2)

    def u32(self, address: int) -> int | None:
        return self._number(address, 4)

    def u64(self, address: int) -> int | None:
        return self._number(address, 8)

    def pointer(self, address: int) -> int | None:
        return self._number(address, self.width)

    def _number(self, address: int, width: int) -> int | None:
        data = self.read(address, width)
        return None if data is None else int.from_bytes(data, "little")

    def unicode_string(self, address: int) -> str | None:
        """The text of a UNICODE_STRING (length, room, pointer) at `address`; None where it is none or not there."""
        head = self.read(address, 2 * self.width)
        if head is None:
            return None
        length, room = int.from_bytes(head[:2], "little"), int.from_bytes(head[2:4], "little")
        if length > room or length % 2 or length > LONGEST_TEXT:
            return None
        data = self.read(int.from_bytes(head[self.width :], "little"), length) if length else b""
        return None if data is None else data.decode("utf-16-le", "surrogatepass")


class PagedMemory(Memory):
    """Physical pages behind page tables."""

    def __init__(self, reader: Reader, pages: Pages) -> None:
        self._reader = reader
        self._pages = pages
        self._cache: dict[int, bytes | None] = {}
        self.frames: dict[int, None] = {}
        """Page frames that were read so far, in their order: what an answer out of this memory stands on."""

    @abstractmethod
    def translate(self, address: int) -> int | None:
        """The physical address; None where no table leads there."""

    def joins(self, head: int) -> bool:
        """Whether a list is at `head`: where a header does not tell which kind of tables they are, that does."""
        first = self.pointer(head)
        return first is not None and self.pointer(first + self.width) == head

    def entry(self, physical: int, width: int) -> int | None:
        """A number of page tables, which never crosses a page."""
        page = self.page(physical // PAGE)
        within = physical % PAGE
        return int.from_bytes(page[within : within + width], "little") if page is not None else None

    def read(self, address: int, length: int) -> bytes | None:
        pieces = []
        while length > 0:
            physical = self.translate(address)
            if physical is None:
                return None
            within = physical % PAGE
            take = min(length, PAGE - within)
            page = self.page(physical // PAGE)
            if page is None:
                return None
            pieces.append(page[within : within + take])
            address += take
            length -= take
        return b"".join(pieces)

    def page(self, frame: int) -> bytes | None:
        """The 4096 bytes of a page frame; None where the dump does not hold it, or ends before it."""
        if frame in self._cache:
            return self._cache[frame]
        if len(self._cache) >= _MOST_CACHED:
            self._cache.pop(next(iter(self._cache)))
        data = None
        try:
            offset = self._pages.offset_of(frame)
            if offset is not None:
                data = self._reader.bytes(offset, PAGE, "a page of memory")
                self.frames[frame] = None
        except ParseError:  # a dump cut short: what is behind its end is not there
            data = None
        self._cache[frame] = data
        return data


@dataclass(frozen=True, slots=True)
class Block:
    """`length` bytes of virtual memory at `address` stand at `offset` of the file."""

    address: int
    offset: int
    length: int


class BlockMemory(Memory):
    """Blocks of virtual memory; those that adjoin are read as one, and what several hold is read of the first."""

    def __init__(self, reader: Reader, blocks: Sequence[Block], width: int = 8) -> None:
        self.width = width
        self._reader = reader
        self.blocks = list(_apart(blocks))
        self._starts = [block.address for block in self.blocks]

    def read(self, address: int, length: int) -> bytes | None:
        pieces = []
        while length > 0:
            block = self._holding(address)
            if block is None:
                return None
            within = address - block.address
            take = min(length, block.length - within)
            try:
                pieces.append(self._reader.bytes(block.offset + within, take, "a block of memory"))
            except ParseError:
                return None
            address += take
            length -= take
        return b"".join(pieces)

    def _holding(self, address: int) -> Block | None:
        at = bisect_right(self._starts, address) - 1
        block = self.blocks[at] if at >= 0 else None
        return block if block is not None and address < block.address + block.length else None


def _apart(blocks: Sequence[Block]) -> Iterator[Block]:
    """The same memory, in order, without what an earlier block holds already."""
    end = 0
    for block in sorted(blocks, key=lambda block: (block.address, -block.length)):
        known = max(end - block.address, 0)
        if known < block.length:
            yield Block(block.address + known, block.offset + known, block.length - known)
            end = block.address + block.length


class NoMemory(Memory):
    """A dump of which only the header can be read."""

    def read(self, address: int, length: int) -> bytes | None:  # noqa: ARG002
        return None if length else b""
