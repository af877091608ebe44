"""The base block: the first 4096 bytes of a hive, its first 512 also at the start of every log.

Source of the layout: "Windows registry file format specification" (M. Suhanov), Base block.
The size of the hive is what stands at 0x28, never the size of the file: real files carry up to
442,368 bytes behind their last hive bin.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from bootmend.binary import View
from bootmend.errors import ParseError

BASE_SIZE = 4096
"""Hive bins start here; every cell offset counts from here."""
FIRST_BIN_TIME = BASE_SIZE + 20
"""Where the first hive bin keeps a copy of the base block's time (0 in a hive that Windows compacted)."""
SECTOR = 512
PAGE = 4096
"""Hive bins are multiples of this."""
NONE = 0xFFFFFFFF
"""The cell offset that means "there is none"."""
TYPE_PRIMARY, TYPE_OLD_LOGS, TYPE_NEW_LOG = 0, (1, 2), 6

_SEQUENCES = struct.Struct("<II")
_TIMESTAMP = struct.Struct("<Q")
_U32 = struct.Struct("<I")
_WORDS = struct.Struct("<127I")


@dataclass(frozen=True, slots=True)
class BaseBlock:
    """The fields of a base block that anyone decides by."""

    sequences: tuple[int, int]
    timestamp: int
    """FILETIME of the last flush."""
    major: int
    minor: int
    type: int
    root: int
    """Cell offset of the root key."""
    size: int
    """Bytes of hive bins."""
    checksum_right: bool

    @property
    def dirty(self) -> bool:
        return self.sequences[0] != self.sequences[1] or not self.checksum_right

    @classmethod
    def parse(cls, data: bytes | bytearray, file: str) -> BaseBlock:
        """From the first 512 bytes of a hive or a log. Raises ParseError if they are no base block at all."""
        if bytes(data[:4]) != b"regf":
            raise ParseError(file, 0, "the signature regf", repr(bytes(data[:4])))
        view = View(data, file)
        view.sub(0, SECTOR, "a base block of 512 bytes")
        return cls(
            sequences=(view.u32(4), view.u32(8)),
            timestamp=view.u64(12),
            major=view.u32(20),
            minor=view.u32(24),
            type=view.u32(28),
            root=view.u32(36),
            size=view.u32(40),
            checksum_right=view.u32(508) == checksum(data),
        )


def checksum(data: bytes | bytearray) -> int:
    """XOR of the first 127 words of a base block, never 0 or 0xFFFFFFFF."""
    value = 0
    for word in _WORDS.unpack_from(data):
        value ^= word
    if value == 0:
        return 1
    return 0xFFFFFFFE if value == 0xFFFFFFFF else value


def stamp(
    hive: bytearray, *, sequence: int | tuple[int, int], timestamp: int | None = None, size: int | None = None
) -> None:
    """Write sequence number (both, or the two given), time and hive bins size into a base block, then its checksum."""
    pair = sequence if isinstance(sequence, tuple) else (sequence, sequence)
    _SEQUENCES.pack_into(hive, 4, *pair)
    if timestamp is not None:
        _TIMESTAMP.pack_into(hive, 12, timestamp)
    if size is not None:
        _U32.pack_into(hive, 40, size)
    _U32.pack_into(hive, 508, checksum(hive))


def next_sequence(*numbers: int) -> int:
    """The number after the highest of these; 32 bits, as the field that holds it."""
    return (max(numbers) + 1) & 0xFFFFFFFF
