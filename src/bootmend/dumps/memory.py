"""The virtual memory of the machine that stopped, as far as its dump holds it.

Two kinds: pages of physical memory behind the page tables of that machine (full, kernel and bitmap
dumps), and single blocks of virtual memory (triage dumps). What is not in the dump is None: that is an
answer, not an error.
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

_PRESENT, _LARGE, _PROTOTYPE, _TRANSITION = 1, 1 << 7, 1 << 10, 1 << 11
_SWIZZLED = 1 << 4
_FRAME = 0x000F_FFFF_FFFF_F000
_LEVELS, _MORE_LEVELS = (39, 30, 21, 12), (48, 39, 30, 21, 12)
"""Bits of an address below the part that indexes each level of page tables."""
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
    @abstractmethod
    def read(self, address: int, length: int) -> bytes | None:
        """All of the bytes, or None."""

    def u16(self, address: int) -> int | None:
        return self._number(address, 2)

    def u32(self, address: int) -> int | None:
        return self._number(address, 4)

    def u64(self, address: int) -> int | None:
        return self._number(address, 8)

    def _number(self, address: int, width: int) -> int | None:
        data = self.read(address, width)
        return None if data is None else int.from_bytes(data, "little")

    def unicode_string(self, address: int) -> str | None:
        """The text of a UNICODE_STRING (length, room, pointer) at `address`; None where it is none or not there."""
        head = self.read(address, 16)
        if head is None:
            return None
        length, room = int.from_bytes(head[:2], "little"), int.from_bytes(head[2:4], "little")
        if length > room or length % 2 or length > LONGEST_TEXT:
            return None
        data = self.read(int.from_bytes(head[8:], "little"), length) if length else b""
        return None if data is None else data.decode("utf-16-le", "surrogatepass")


class PagedMemory(Memory):
    """Physical pages behind the x64 page tables at `root`.

    Source: Intel and AMD's manuals (paging of 4 and 5 levels). A page in transition (trimmed from its working set,
    still in memory) is read as the debugger reads it: its frame is valid while the transition bit is set. Where the
    processor has the flaw L1TF, Windows sets a bit above all memory in it, but where it says "swizzled" instead.
    """

    def __init__(self, reader: Reader, pages: Pages, root: int, loaded_list: int = 0) -> None:
        self._reader = reader
        self._pages = pages
        self._root = root & _FRAME
        self._levels: tuple[int, ...] = _LEVELS
        self._below = (1 << max(pages.frames - 1, 1).bit_length()) - 1
        self._cache: dict[int, bytes | None] = {}
        self.frames: dict[int, None] = {}
        """Page frames that were read so far, in their order: what an answer out of this memory stands on."""
        if not self._joins(loaded_list):
            self._levels = _MORE_LEVELS
            if not self._joins(loaded_list):
                self._levels = _LEVELS

    def _joins(self, head: int) -> bool:
        """Whether a list is at `head`: it tells the right depth of tables, of which a dump's header says nothing."""
        first = self.u64(head)
        return first is not None and self.u64(first + 8) == head

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

    def translate(self, address: int) -> int | None:
        """The physical address; None where no table leads there."""
        signs = self._levels[0] + 8
        if not 0 <= address < 1 << 64 or (address >> signs) not in (0, (1 << 64 - signs) - 1):
            return None
        table = self._root
        for shift in self._levels:
            page = self.page(table // PAGE)
            if page is None:
                return None
            at = (address >> shift & 0x1FF) * 8
            entry = int.from_bytes(page[at : at + 8], "little")
            if not entry & _PRESENT:
                in_transition = shift == 12 and entry & _TRANSITION and not entry & _PROTOTYPE
                if not in_transition:
                    return None
                if not entry & _SWIZZLED:
                    entry &= self._below << 12
            if shift in (30, 21) and entry & _LARGE:
                return entry & _FRAME & ~((1 << shift) - 1) | address & ((1 << shift) - 1)
            table = entry & _FRAME
        return table | address & (PAGE - 1)

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

    def __init__(self, reader: Reader, blocks: Sequence[Block]) -> None:
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
