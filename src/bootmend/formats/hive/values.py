"""Values as the registry hands them out, and its clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum

from bootmend.errors import InputError
from bootmend.formats.filetime import filetime_of


class ValueType(IntEnum):
    """The types that have a name; other numbers occur and are kept as they are."""

    NONE = 0
    SZ = 1
    EXPAND_SZ = 2
    BINARY = 3
    DWORD = 4
    DWORD_BE = 5
    LINK = 6
    MULTI_SZ = 7
    RESOURCE_LIST = 8
    FULL_RESOURCE_DESCRIPTOR = 9
    RESOURCE_REQUIREMENTS_LIST = 10
    QWORD = 11


class NotANumber(InputError, ValueError):
    """A value that should be a number has none of 1 to 8 bytes."""


@dataclass(frozen=True, slots=True)
class Value:
    """A named value; `data` is exactly what is stored, whatever `type` says it should be."""

    name: str
    type: int
    data: bytes

    @property
    def text(self) -> str:
        """The data as UTF-16 text up to its first NUL; an odd last byte is dropped."""
        return self._characters().split("\0", 1)[0]

    @property
    def number(self) -> int:
        """The data as an unsigned number of 1 to 8 bytes. Raises NotANumber for any other length."""
        if not 1 <= len(self.data) <= 8:
            raise NotANumber(f"the value {self.name!r}: {len(self.data)} bytes are not a number")
        return int.from_bytes(self.data, "big" if self.type == ValueType.DWORD_BE else "little")

    @property
    def strings(self) -> list[str]:
        """The strings of a MULTI_SZ, up to the first empty one; a missing last NUL is forgiven."""
        strings = []
        for string in self._characters().split("\0"):
            if not string:
                break
            strings.append(string)
        return strings

    def _characters(self) -> str:
        return self.data[: len(self.data) & ~1].decode("utf-16-le", "surrogatepass")


def multi_sz(strings: list[str]) -> bytes:
    """The data of a MULTI_SZ that holds these strings."""
    return "".join(f"{string}\0" for string in [*strings, ""]).encode("utf-16-le", "surrogatepass")


def sz(text: str) -> bytes:
    """The data of an SZ or EXPAND_SZ: UTF-16 with its NUL."""
    return f"{text}\0".encode("utf-16-le", "surrogatepass")


def filetime(moment: datetime | None = None) -> int:
    """100 ns since 1601-01-01 UTC; now, where no moment is given."""
    return filetime_of(moment or datetime.now(UTC))
