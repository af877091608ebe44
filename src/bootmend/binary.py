"""Checked reads out of bytes that nobody vouches for.

A `View` is bytes that know where they came from: every read outside them, or of a
value that makes no sense, raises a `ParseError` with the file and the absolute offset.
All integers are little-endian unless the name says otherwise; offsets and lengths are
in bytes. This and the formats' own record tables are the only users of `struct`.
"""

from __future__ import annotations

import struct
import uuid

from bootmend.errors import ParseError

_U16 = struct.Struct("<H")
_U32 = struct.Struct("<I")
_I32 = struct.Struct("<i")
_U64 = struct.Struct("<Q")
_I64 = struct.Struct("<q")


class View:
    """Bytes with an origin: `file` is what errors call it, `base` the offset of byte 0 in that file."""

    __slots__ = ("base", "data", "file")

    def __init__(self, data: bytes | bytearray | memoryview, file: str, base: int = 0) -> None:
        self.data = data
        self.file = file
        self.base = base

    def __len__(self) -> int:
        return len(self.data)

    def fail(self, offset: int, expected: str, found: str | None = None) -> ParseError:
        """The error to raise for a value at `offset` that is not what it should be."""
        return ParseError(self.file, self.base + offset, expected, found)

    def _check(self, offset: int, length: int, what: str) -> None:
        if offset < 0 or length < 0 or offset + length > len(self.data):
            raise self.fail(offset, what, f"only {len(self.data)} bytes in all")

    def bytes(self, offset: int, length: int, what: str = "") -> bytes:
        self._check(offset, length, what or f"{length} bytes")
        return bytes(self.data[offset : offset + length])

    def sub(self, offset: int, length: int, what: str = "") -> View:
        """A view of part of this one, without a copy where the data is a memoryview."""
        self._check(offset, length, what or f"{length} bytes")
        return View(self.data[offset : offset + length], self.file, self.base + offset)

    def u8(self, offset: int, what: str = "a byte") -> int:
        self._check(offset, 1, what)
        return self.data[offset]

    def u16(self, offset: int, what: str = "a 16-bit number") -> int:
        self._check(offset, 2, what)
        return int(_U16.unpack_from(self.data, offset)[0])

    def u32(self, offset: int, what: str = "a 32-bit number") -> int:
        self._check(offset, 4, what)
        return int(_U32.unpack_from(self.data, offset)[0])

    def i32(self, offset: int, what: str = "a 32-bit number") -> int:
        self._check(offset, 4, what)
        return int(_I32.unpack_from(self.data, offset)[0])

    def u64(self, offset: int, what: str = "a 64-bit number") -> int:
        self._check(offset, 8, what)
        return int(_U64.unpack_from(self.data, offset)[0])

    def i64(self, offset: int, what: str = "a 64-bit number") -> int:
        self._check(offset, 8, what)
        return int(_I64.unpack_from(self.data, offset)[0])

    def guid(self, offset: int, what: str = "a GUID") -> uuid.UUID:
        return uuid.UUID(bytes_le=self.bytes(offset, 16, what))

    def utf16(self, offset: int, length: int, what: str = "UTF-16 text") -> str:
        """`length` bytes as UTF-16LE; lone surrogates survive (Windows names may hold them)."""
        return self.bytes(offset, length, what).decode("utf-16-le", "surrogatepass")
