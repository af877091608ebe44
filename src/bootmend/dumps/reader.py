"""Checked random access to the bytes of a dump, wherever it lies: a file of a volume or a file here."""

from __future__ import annotations

from typing import Protocol

from bootmend.binary import View
from bootmend.errors import ParseError

MAGICS = (b"PAGEDU64", b"PAGEDUMP")
"""A dump starts with its signature and the word that says it is valid: 64-bit and 32-bit machines."""


class EndsEarly(ParseError):
    """What is looked for lies behind the end of the file: it was cut short, or its numbers are broken."""


class Bytes(Protocol):
    """What a dump is read from: a `volumes.volume.File`, or anything with its two words."""

    @property
    def size(self) -> int: ...

    def read(self, offset: int, length: int, /) -> bytes:
        """`length` bytes from `offset`, fewer only at the end."""


class Reader:
    """`file` under the name that errors call it, with a count of what was read."""

    def __init__(self, file: Bytes, name: str) -> None:
        self.name = name
        self.size = file.size
        self.reads = 0
        self.bytes_read = 0
        self._file = file

    def bytes(self, offset: int, length: int, what: str) -> bytes:
        """Exactly `length` bytes; EndsEarly where the file has fewer."""
        if offset < 0 or length < 0 or offset + length > self.size:
            raise EndsEarly(self.name, offset, f"{what} ({length} bytes)", f"a file of {self.size} bytes")
        self.reads += 1
        self.bytes_read += length
        data = self._file.read(offset, length)
        if len(data) != length:
            raise View(b"", self.name, offset).fail(0, f"{what} ({length} bytes)", f"only {len(data)} bytes")
        return data

    def view(self, offset: int, length: int, what: str) -> View:
        return View(self.bytes(offset, length, what), self.name, offset)


def looks_like_dump(file: Bytes) -> bool:
    """Whether the file starts as a kernel dump does; what follows may still be broken."""
    return file.size >= 8 and file.read(0, 8) in MAGICS
