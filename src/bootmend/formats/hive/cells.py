"""Cells by their offset, checked before anything is read out of them.

An offset counts from the first hive bin and points at the cell's size: negative for a cell in
use, positive for a free one. Everything in a hive hangs together by such offsets, and none of
them can be trusted.
"""

from __future__ import annotations

from bootmend.errors import ParseError
from bootmend.formats.hive.baseblock import BASE_SIZE
from bootmend.formats.hive.names import decode_name
from bootmend.formats.hive.records import (
    I32,
    NK,
    SK,
    U32,
    VK,
    KeyNode,
    SecurityRecord,
    ValueRecord,
)


class Cells:
    """The cells of a hive; `data` is the whole file and may be edited, `size` the bytes of hive bins in it."""

    __slots__ = ("data", "file", "size")

    def __init__(self, data: bytes | bytearray, file: str, size: int) -> None:
        self.data = data
        self.file = file
        self.size = size

    def fail(self, offset: int, expected: str, found: str | None = None) -> ParseError:
        """The error for the cell at `offset`; it names the place in the file."""
        return ParseError(self.file, BASE_SIZE + offset, expected, found)

    def capacity(self, offset: int, what: str) -> int:
        """Bytes the body of a cell in use has room for. Raises ParseError if there is no such cell."""
        if offset & 7 or offset + 8 > self.size:
            raise self.fail(offset, what, "an offset outside the hive bins or not on a cell boundary")
        length = -int(I32.unpack_from(self.data, BASE_SIZE + offset)[0])
        if length < 8 or offset + length > self.size:
            found = "a free cell" if length < 0 else f"a cell of {length} bytes"
            raise self.fail(offset, what, found)
        return length - 4

    def body(self, offset: int, what: str, length: int | None = None) -> bytes:
        """The body of a cell, or its first `length` bytes; too few are a ParseError."""
        capacity = self.capacity(offset, what)
        if length is None:
            length = capacity
        elif length > capacity:
            raise self.fail(offset, f"{what} of {length} bytes", f"a cell with room for {capacity}")
        start = BASE_SIZE + offset + 4
        return bytes(self.data[start : start + length])

    def get_u32(self, offset: int, at: int) -> int:
        """The number at byte `at` of the body of a cell in use."""
        if at + 4 > self.capacity(offset, "a cell"):
            raise self.fail(offset, f"a number at byte {at}", "a cell too short")
        return int(U32.unpack_from(self.data, BASE_SIZE + offset + 4 + at)[0])

    def put_u32(self, offset: int, at: int, value: int) -> None:
        self.put(offset, at, U32.pack(value))

    def put(self, offset: int, at: int, content: bytes) -> None:
        """Write `content` at byte `at` of the body of a cell in use; never beyond it."""
        assert isinstance(self.data, bytearray)
        if at + len(content) > self.capacity(offset, "a cell to write"):
            raise self.fail(offset, f"room for {len(content)} bytes at byte {at}", "a cell too short")
        start = BASE_SIZE + offset + 4 + at
        self.data[start : start + len(content)] = content

    def key(self, offset: int) -> tuple[KeyNode, str]:
        """The nk record at `offset` and its name."""
        room = self.capacity(offset, "a key (nk)")
        start = BASE_SIZE + offset + 4
        if room < NK.size or self.data[start : start + 2] != b"nk":
            raise self.fail(offset, "a key (nk)", repr(bytes(self.data[start : start + 2])))
        node = KeyNode._make(NK.unpack_from(self.data, start))
        if NK.size + node.name_length > room:
            raise self.fail(offset, f"a key name of {node.name_length} bytes", f"a cell of {room}")
        start += NK.size
        return node, decode_name(self.data[start : start + node.name_length], node.compressed)

    def value(self, offset: int) -> tuple[ValueRecord, str]:
        """The vk record at `offset` and its name."""
        room = self.capacity(offset, "a value (vk)")
        start = BASE_SIZE + offset + 4
        if room < VK.size or self.data[start : start + 2] != b"vk":
            raise self.fail(offset, "a value (vk)", repr(bytes(self.data[start : start + 2])))
        record = ValueRecord._make(VK.unpack_from(self.data, start))
        if VK.size + record.name_length > room:
            raise self.fail(offset, f"a value name of {record.name_length} bytes", f"a cell of {room}")
        start += VK.size
        return record, decode_name(self.data[start : start + record.name_length], record.compressed)

    def security(self, offset: int) -> SecurityRecord:
        """The sk record at `offset`."""
        body = self.body(offset, "a security cell (sk)")
        if len(body) < SK.size or body[:2] != b"sk":
            raise self.fail(offset, "a security cell (sk)", repr(body[:2]))
        record = SecurityRecord._make(SK.unpack_from(body))
        if SK.size + record.length > len(body):
            raise self.fail(offset, f"a security descriptor of {record.length} bytes", f"a cell of {len(body)}")
        return record


def describe(error: ParseError) -> str:
    """A fault inside a hive, without the hive's name."""
    found = f", found {error.found}" if error.found else ""
    return f"at offset {error.offset:#x}: expected {error.expected}{found}"
