"""The file a lab disk is kept in: as long as the disk, holding only what was written.

A fixed VHD is the same bytes with a footer of 512 behind them.
Source: Microsoft, "Virtual Hard Disk Image Format Specification" 1.0 (footer, CHS calculation).
"""

from __future__ import annotations

import os
import struct
import uuid
from pathlib import Path
from typing import Literal

Container = Literal["vhd", "raw"]

_FOOTER = struct.Struct(">8sIIQI4sI4sQQHBBII16sB427x")
assert _FOOTER.size == 512
_CHECKSUM_AT = 64
_COPY_STEP = 4 << 20


def make_disk_file(path: Path, size: int, container: Container, identity: uuid.UUID) -> None:
    """A new sparse file for a disk of `size` bytes. Raises FileExistsError if there is one already."""
    with path.open("xb") as file:
        file.truncate(size)
        if container == "vhd":
            file.seek(size)
            file.write(vhd_footer(size, identity))


def vhd_footer(size: int, identity: uuid.UUID) -> bytes:
    """The footer of a fixed VHD whose guest sees `size` bytes."""
    cylinders, heads, sectors = _geometry(size // 512)
    fields = [
        b"conectix",
        2,  # features: the reserved bit that is always set
        0x00010000,
        0xFFFFFFFFFFFFFFFF,  # no dynamic header follows
        0,  # seconds since 2000: the same disk is to have the same bytes
        b"bmnd",
        0x00010000,
        b"Wi2k",
        size,
        size,
        cylinders,
        heads,
        sectors,
        2,  # fixed
        0,
        identity.bytes,
        0,
    ]
    footer = bytearray(_FOOTER.pack(*fields))
    footer[_CHECKSUM_AT : _CHECKSUM_AT + 4] = struct.pack(">I", ~sum(footer) & 0xFFFFFFFF)
    return bytes(footer)


def _geometry(sectors: int) -> tuple[int, int, int]:
    """Cylinders, heads, sectors a track, by the specification's appendix."""
    total = min(sectors, 65535 * 16 * 255)
    if total >= 65535 * 16 * 63:
        return total // 255 // 16, 16, 255
    track, by_track = 17, total // 17
    heads = max((by_track + 1023) // 1024, 4)
    if by_track >= heads * 1024 or heads > 16:
        track, heads, by_track = 31, 16, total // 31
    if by_track >= heads * 1024:
        track, heads, by_track = 63, 16, total // 63
    return by_track // heads, heads, track


def copy_data(source: Path, target: Path, offset: int) -> None:
    """Everything but the holes of `source`, to `offset` in `target`, which reads as zeros there."""
    size = source.stat().st_size
    with source.open("rb") as reader, target.open("r+b") as writer:
        for low, high in _data_ranges(reader.fileno(), size):
            at = low
            while at < high:
                piece = os.pread(reader.fileno(), min(_COPY_STEP, high - at), at)
                if any(piece):
                    os.pwrite(writer.fileno(), piece, offset + at)
                at += len(piece)


def _data_ranges(descriptor: int, size: int) -> list[tuple[int, int]]:
    ranges, at = [], 0
    while at < size:
        try:
            low = os.lseek(descriptor, at, os.SEEK_DATA)
        except OSError:  # ENXIO: nothing but holes from here on
            break
        at = os.lseek(descriptor, low, os.SEEK_HOLE)
        ranges.append((low, at))
    return ranges
