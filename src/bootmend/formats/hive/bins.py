"""Hive bins and the cells in them, walked from end to end."""

from __future__ import annotations

from collections.abc import Iterator

from bootmend.errors import ParseError
from bootmend.formats.hive.baseblock import BASE_SIZE, PAGE
from bootmend.formats.hive.records import HBIN, I32


def walk_bins(data: bytes | bytearray, file: str, size: int) -> Iterator[tuple[int, int]]:
    """(offset, length) of each hive bin; offsets count from the first. Raises ParseError at the first that is none."""
    offset = 0
    while offset < size:
        place = BASE_SIZE + offset
        if place + HBIN.size > len(data):
            raise ParseError(file, place, "a hive bin", "the end of the file")
        signature, own, length = HBIN.unpack_from(data, place)[:3]
        if signature != b"hbin" or own != offset:
            raise ParseError(file, place, f"a hive bin (hbin) at {offset:#x}", f"{signature!r} at {own:#x}")
        if length == 0 or length % PAGE or offset + length > size or place + length > len(data):
            raise ParseError(file, place + 8, "the size of a hive bin, in pages, inside the hive", f"{length:#x}")
        yield offset, length
        offset += length


def walk_cells(data: bytes | bytearray, file: str, start: int, length: int) -> Iterator[tuple[int, int]]:
    """(offset, size) of each cell of the hive bin at `start`; the size is negative for a cell in use.

    Raises ParseError at the first that is no cell.
    """
    offset, end = start + HBIN.size, start + length
    while offset < end:
        size = int(I32.unpack_from(data, BASE_SIZE + offset)[0])
        if size == 0 or size & 7 or offset + abs(size) > end:
            raise ParseError(file, BASE_SIZE + offset, "a cell inside its hive bin", f"the size {size}")
        yield offset, size
        offset += abs(size)
