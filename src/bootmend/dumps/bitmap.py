"""Bitmap dumps: a bit for every page frame, and the pages whose bit is set, one after the other.

    type 5 (full) and 6 (kernel), Windows 8 and later      type 2 (kernel), before
    "SDMP" or "FDMP", "DUMP" behind the header             "SDMP", "DUMP" behind the header
    +0x20  offset of the first page (u64)                  +0x0c offset of the first page (u32)
    +0x28  pages present (u64)                             +0x10 bits (u32)
    +0x30  bits (u64)                                      +0x14 pages present (u32)
    +0x38  bitmap                                          +0x28 bitmap (64-bit), +0x20 (32-bit)

A type 2 with the newer layout is taken as well: which one it is, its own numbers say. The place of a page
is the number of bits before its own; a sum is kept for every 4 KiB of bitmap (128 MiB of memory) as far
as it was needed, never the bitmap itself.

Sources: Volatility's crash layer and kdmp-parser's structures, and mindumpdef.h of the Windows kits; no real dump
of the older layout was at hand.
"""

from __future__ import annotations

from collections import OrderedDict

from bootmend.dumps.header import HEAD32, HEAD64, UNSET32
from bootmend.dumps.memory import PAGE
from bootmend.dumps.reader import EndsEarly, Reader

_PIECE = 4096
"""Bytes of bitmap that one sum stands for."""
_NONE, _ALL = bytes(_PIECE), b"\xff" * _PIECE
_MOST_KEPT = 64
_STRIDE = 64
"""Pieces read at once while sums are made."""
_OLDER, _NEWER = {HEAD32: 0x20, HEAD64: 0x28}, 0x38
"""Where the bitmap stands behind the start of its head; the older layout by the size of the dump's header."""
_SIGNATURES = (b"SDMPDUMP", b"FDMPDUMP")


class BitmapPages:
    """Which frames have their bit set, and where their pages stand."""

    def __init__(self, reader: Reader, at: int = HEAD64) -> None:
        """`at`: where its head stands, right behind the header of the dump."""
        head = reader.view(at, 0x38, "the head of a bitmap dump")
        if head.bytes(0, 8) not in _SIGNATURES:
            raise head.fail(0, "SDMPDUMP or FDMPDUMP", repr(head.bytes(0, 8)))
        older = head.u32(0x0C)
        is_older = older != UNSET32 and _holds(head.u32(0x10), at + _OLDER[at], older)
        if is_older and (older <= reader.size or not _holds(head.u64(0x30), at + _NEWER, head.u64(0x20))):
            self.first_page, self.bits, self.present, start = older, head.u32(0x10), head.u32(0x14), _OLDER[at]
        else:
            self.first_page, self.present, self.bits, start = head.u64(0x20), head.u64(0x28), head.u64(0x30), _NEWER
        if not _holds(self.bits, at + start, self.first_page):
            raise head.fail(0x20, f"a bitmap of {self.bits} bits before the first page", hex(self.first_page))
        if not _holds(self.bits, at + start, reader.size):
            size = f"a file of {reader.size} bytes"
            raise EndsEarly(reader.name, at + start, f"a bitmap of {self.bits} bits", size)
        if self.present > self.bits:
            raise head.fail(0x28, f"at most {self.bits} pages", str(self.present))
        self.end = self.first_page + self.present * PAGE
        """How long the whole file must be."""
        self._reader = reader
        self._bitmap = at + start
        self._length = -(-self.bits // 8)
        self._sums = [0]
        """Bits set before each piece of the bitmap, as far as it was counted."""
        self._kept: OrderedDict[int, bytes] = OrderedDict()

    @property
    def frames(self) -> int:
        return self.bits

    def offset_of(self, frame: int) -> int | None:
        if not 0 <= frame < self.bits:
            return None
        number, within = divmod(frame, _PIECE * 8)
        piece = self._piece(number)
        byte, bit = divmod(within, 8)
        if not piece[byte] >> bit & 1:
            return None
        self._count_up_to(number)
        before = int.from_bytes(piece[:byte], "little").bit_count() + (piece[byte] & (1 << bit) - 1).bit_count()
        rank = self._sums[number] + before
        # A bitmap with more bits than pages is broken: its last pages are not there.
        return self.first_page + rank * PAGE if rank < self.present else None

    def _count_up_to(self, number: int) -> None:
        while len(self._sums) <= number:
            start = (len(self._sums) - 1) * _PIECE
            wanted = min((number + 1 - len(self._sums)), _STRIDE) * _PIECE
            data = self._reader.bytes(self._bitmap + start, min(wanted, self._length - start), "the bitmap")
            for at in range(0, len(data), _PIECE):
                self._sums.append(self._sums[-1] + _count(data[at : at + _PIECE]))

    def _piece(self, number: int) -> bytes:
        if number not in self._kept:
            start = number * _PIECE
            length = min(_PIECE, self._length - start)
            self._kept[number] = self._reader.bytes(self._bitmap + start, length, "the bitmap")
            if len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(number)
        return self._kept[number]


def _count(piece: bytes) -> int:
    """Bits set. Most pieces of a kernel dump are all zeros, most of a complete one all ones: those need no counting."""
    if piece == _NONE:
        return 0
    return _PIECE * 8 if piece == _ALL else int.from_bytes(piece, "little").bit_count()


def _holds(bits: int, start: int, end: int) -> bool:
    """Whether a bitmap of so many bits, and at least one, fits between two offsets of the file."""
    return bits > 0 and start + -(-bits // 8) <= end
