"""The last 512 bytes of a disk's blob: the footer of a fixed VHD ("Virtual Hard Disk Image Format Specification")."""

from __future__ import annotations

import struct
import uuid

_FOOTER = struct.Struct(">8sIIQI4sI4sQQHBBII16sB427x")
assert _FOOTER.size == 512
_FIXED = 2


def make_footer(size: int, unique: str) -> bytes:
    """For `size` bytes of disk."""
    cylinders, heads, sectors = 0xFFFF, 16, 255
    fields = (b"conectix", 2, 0x10000, 2**64 - 1, 0, b"win ", 0x60001, b"Wi2k", size, size, cylinders, heads, sectors)
    plain = _FOOTER.pack(*fields, _FIXED, 0, uuid.UUID(unique).bytes, 0)
    return _FOOTER.pack(*fields, _FIXED, ~sum(plain) & 0xFFFFFFFF, uuid.UUID(unique).bytes, 0)


def is_footer(data: bytes) -> bool:
    """Azure looks at the cookie."""
    return len(data) == _FOOTER.size and data.startswith(b"conectix")
