"""VHD: the footer that ends every such file, and the fixed kind, which is the disk and then the footer.

Source: Microsoft, "Virtual Hard Disk Image Format Specification" 1.0. All numbers are big-endian.
The guest's size is the footer's current size: tools round the geometry, and the file, as they like.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar

from bootmend.disk.device import BlockDevice, Window
from bootmend.errors import ParseError

COOKIE = b"conectix"
FOOTER_SIZE = 512
FIXED, DYNAMIC, DIFFERENCING = 2, 3, 4

_MOST_PADDING = 16 << 20
"""Bytes that a tool may leave between the disk and the footer (a cylinder is at most 8 MiB)."""


@dataclass(frozen=True, slots=True)
class Footer:
    """The fields that matter of a footer whose checksum is right."""

    LAYOUT: ClassVar[struct.Struct] = struct.Struct(">8sIIQI4sI4sQQIII")

    data_offset: int
    """Where the dynamic header stands; all ones on a fixed disk."""
    current_size: int
    """Bytes of the disk as its guest sees it."""
    disk_type: int


def checksum(block: bytes | bytearray, field_offset: int) -> int:
    """The ones' complement of the sum of all bytes, but for the four of the checksum itself."""
    return ~(sum(block) - sum(block[field_offset : field_offset + 4])) & 0xFFFFFFFF


def read_footer(file: BlockDevice, offset: int) -> Footer | None:
    """The footer at `offset`, or None if these 512 bytes are not one: `conectix` alone proves nothing."""
    if offset < 0 or offset + FOOTER_SIZE > file.size:
        return None
    block = file.read(offset, FOOTER_SIZE)
    cookie, _, _, data_offset, _, _, _, _, _, size, _, kind, check = Footer.LAYOUT.unpack_from(block)
    if cookie != COOKIE or check != checksum(block, 64):
        return None
    return Footer(data_offset, size, kind)


def fixed_size(file: BlockDevice) -> int | None:
    """The guest's size if `file` is a fixed VHD.

    A raw dump can end in the footer of some other disk (a VHD stored in its last clusters): the
    current size must account for the file's own, which that of a stranger does not.
    """
    end = file.size - FOOTER_SIZE
    footer = read_footer(file, end)
    if footer is None or footer.disk_type != FIXED:
        return None
    if not 0 < footer.current_size <= end or end - footer.current_size > _MOST_PADDING:
        return None
    return footer.current_size


class FixedVhd(Window):
    """The disk inside a fixed VHD; closing it closes the file. ParseError if `file` is not one."""

    def __init__(self, file: BlockDevice) -> None:
        size = fixed_size(file)
        if size is None:
            raise ParseError(file.name, max(file.size - FOOTER_SIZE, 0), "the footer of a fixed VHD")
        super().__init__(file, 0, size, file.name)
        self.container = "vhd-fixed"

    def close(self) -> None:
        self.under.close()
