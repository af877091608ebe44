"""Dynamic VHD: blocks that exist once they were written, found through a table.

    footer's copy | dynamic header | block allocation table | blocks (sector bitmap, data) | footer

A new block takes the footer's place, and the footer moves behind it. The order of writes is
block, footer, table entry: a crash before the last leaves at worst an unused block, and the
footer's copy at the start of the file is good throughout. Undoing a repair puts the guest's
bytes back; the file may keep its new blocks.

Source: Microsoft, "Virtual Hard Disk Image Format Specification" 1.0. Reading takes a block as
it is, as QEMU does: in dynamic disks from Windows, QEMU and disk2vhd all bits of its bitmap are set.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from bootmend.binary import View
from bootmend.disk.device import BlockDevice
from bootmend.disk.raw import RawFile
from bootmend.disk.vhd import DIFFERENCING, DYNAMIC, FOOTER_SIZE, Footer, checksum, read_footer
from bootmend.errors import ParseError, Refused
from bootmend.texts import say

_HEADER_SIZE = 1024
_UNUSED = 0xFFFFFFFF
_SECTOR = 512
_LARGEST_BLOCK = 256 << 20


def sparse_footer(file: BlockDevice) -> Footer | None:
    """The footer of a dynamic or differencing VHD: its copy at the start, or the one at the end if that is lost."""
    for offset in (0, file.size - FOOTER_SIZE):
        footer = read_footer(file, offset)
        if footer is not None and footer.disk_type in (DYNAMIC, DIFFERENCING):
            return footer
    return None


class DynamicVhd(BlockDevice):
    """The disk inside; closing it closes the file. ParseError for damage, Refused for a differencing disk."""

    container = "vhd-dynamic"

    def __init__(self, file: RawFile) -> None:
        footer = sparse_footer(file)
        if footer is None:
            raise ParseError(file.name, 0, "the footer of a dynamic VHD")
        header = View(_read_header(file, footer.data_offset), file.name, footer.data_offset)
        if footer.disk_type == DIFFERENCING:
            parent = header.bytes(64, 512).decode("utf-16-be", "replace").split("\0", 1)[0]
            raise Refused(say("disk.has_parent", path=file.name, parent=parent), say("disk.has_parent_next"))
        self._file = file
        self.name = file.name
        self.size = footer.current_size
        self.writable = file.writable
        self._table_offset = int.from_bytes(header.bytes(16, 8), "big")
        count = int.from_bytes(header.bytes(28, 4), "big")
        self._block = int.from_bytes(header.bytes(32, 4), "big")
        if not _SECTOR <= self._block <= _LARGEST_BLOCK or self._block & (self._block - 1):
            raise header.fail(32, "a block size that is a power of two", str(self._block))
        needed = -(-self.size // self._block)
        if count < needed:
            raise header.fail(28, f"a table of at least {needed} blocks", str(count))
        if self._table_offset + 4 * needed > file.size:
            raise header.fail(16, f"a table of {needed} entries inside the file", f"{self._table_offset:#x}")
        self._table = list(struct.unpack(f">{needed}I", file.read(self._table_offset, 4 * needed)))
        self._bitmap = -(-self._block // _SECTOR // 8 // _SECTOR) * _SECTOR
        if self.writable:
            self._refuse_what_overlaps(count, footer.data_offset)

    def _read(self, offset: int, length: int) -> bytes:
        pieces = []
        for number, low, count in self._split(offset, length):
            at = self._data(number)
            pieces.append(bytes(count) if at is None else self._file.read(at + low, count))
        return b"".join(pieces)

    def _write(self, offset: int, data: bytes) -> None:
        done = 0
        for number, low, count in self._split(offset, len(data)):
            piece = data[done : done + count]
            done += count
            at = self._data(number)
            if at is not None:
                self._mark(at - self._bitmap, low, count)
                self._file.write(at + low, piece)
            elif any(piece):
                self._add(number, low, piece)

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self._file.close()

    def data_extents(self) -> Iterator[tuple[int, int]]:
        for number, entry in enumerate(self._table):
            if entry != _UNUSED:
                yield (number * self._block, min((number + 1) * self._block, self.size))

    def _split(self, offset: int, length: int) -> Iterator[tuple[int, int, int]]:
        """(block, offset in it, bytes) for each block that the range touches."""
        while length:
            number, low = divmod(offset, self._block)
            count = min(self._block - low, length)
            yield number, low, count
            offset += count
            length -= count

    def _data(self, number: int) -> int | None:
        entry = self._table[number]
        return None if entry == _UNUSED else entry * _SECTOR + self._bitmap

    def _mark(self, bitmap_offset: int, low: int, count: int) -> None:
        """Sets the bitmap's bits (most significant first) of the sectors that a write touches."""
        first, last = low // _SECTOR // 8, (low + count - 1) // _SECTOR // 8
        bits = bytearray(self._file.read(bitmap_offset + first, last - first + 1))
        before = bytes(bits)
        for sector in range(low // _SECTOR, (low + count - 1) // _SECTOR + 1):
            bits[sector // 8 - first] |= 0x80 >> sector % 8
        if bits != before:
            self._file.write(bitmap_offset + first, bytes(bits))

    def _add(self, number: int, low: int, piece: bytes) -> None:
        footer = self._file.read(0, FOOTER_SIZE)
        start = -(-(self._file.size - FOOTER_SIZE) // _SECTOR) * _SECTOR
        if start // _SECTOR >= _UNUSED:
            raise Refused(say("disk.vhd_full", path=self.name))
        self._file.grow(start + self._bitmap + self._block + FOOTER_SIZE)
        bits = bytearray(b"\xff" * (self._block // _SECTOR // 8 or 1)).ljust(self._bitmap, b"\0")
        # The old footer's bytes become the bitmap's, or, where that is smaller, data: written over either way.
        self._file.write(start, bytes(bits) + (bytes(low) + piece).ljust(self._block, b"\0"))
        self._file.write(start + self._bitmap + self._block, footer)
        self._table[number] = start // _SECTOR
        self._file.write(self._table_offset + 4 * number, struct.pack(">I", self._table[number]))

    def _refuse_what_overlaps(self, count: int, header_offset: int) -> None:
        """Two blocks on the same bytes, or one on the table: a write would destroy what it was not meant for."""
        end = self._file.size - FOOTER_SIZE
        if read_footer(self._file, 0) is None or read_footer(self._file, end) is None:
            raise Refused(say("disk.vhd_damaged", path=self.name), say("disk.vhd_damaged_next"))
        reached = max(self._table_offset + 4 * count, header_offset + _HEADER_SIZE, FOOTER_SIZE)
        for entry in sorted(entry for entry in self._table if entry != _UNUSED):
            stop = entry * _SECTOR + self._bitmap + self._block
            if entry * _SECTOR < reached or stop > end:
                raise Refused(say("disk.vhd_damaged", path=self.name), say("disk.vhd_damaged_next"))
            reached = stop


def _read_header(file: BlockDevice, offset: int) -> bytes:
    if offset + _HEADER_SIZE > file.size:
        raise ParseError(file.name, offset, "a dynamic VHD header", "the end of the file")
    header = file.read(offset, _HEADER_SIZE)
    if header[:8] != b"cxsparse":
        raise ParseError(file.name, offset, "a dynamic VHD header ('cxsparse')", repr(header[:8]))
    told = int.from_bytes(header[36:40], "big")
    if told != checksum(header, 36):
        raise ParseError(file.name, offset + 36, f"the header's checksum {checksum(header, 36):#x}", f"{told:#x}")
    return header
