"""Which PDB belongs to an image: what its debug directory says (RSDS).

Source: Microsoft, "PE Format", the debug directory; the layout of RSDS as debuggers describe it: a GUID, an age that
counts rewritings, and the path at which the linker wrote the PDB.
"""

from __future__ import annotations

import re
import struct
import uuid
from dataclasses import dataclass
from typing import Protocol

_ENTRY = struct.Struct("<12xIII4x")
"""IMAGE_DEBUG_DIRECTORY: its kind, the size of its data, their RVA."""
_CODEVIEW = 2
_MOST_ENTRIES = 32
_HEAD = 24
_LONGEST_PATH = 512


@dataclass(frozen=True, slots=True)
class PdbId:
    """Which PDB belongs to an image."""

    guid: uuid.UUID
    age: int
    file: str
    """Its name, without the folder in which it was made."""

    @property
    def key(self) -> str:
        """What a symbol store calls the folder of this build."""
        return f"{self.guid.hex.upper()}{self.age:X}"

    @property
    def words(self) -> str:
        return f"{{{str(self.guid).upper()}}} {self.age}"


class _Image(Protocol):
    debug_table: tuple[int, int]
    """RVA and size; zeros where there is none."""

    def read(self, rva: int, length: int) -> bytes | None: ...


def read_pdb_id(image: _Image) -> PdbId | None:
    """None where the image names no PDB, or where that part of it is not at hand."""
    start, size = image.debug_table
    for number in range(min(size // _ENTRY.size, _MOST_ENTRIES)):
        raw = image.read(start + number * _ENTRY.size, _ENTRY.size)
        kind, length, rva = _ENTRY.unpack(raw) if raw is not None else (0, 0, 0)
        data = image.read(rva, min(length, _HEAD + _LONGEST_PATH)) if kind == _CODEVIEW else None
        if data is None or len(data) <= _HEAD or data[:4] != b"RSDS":
            continue
        path = data[_HEAD:].split(b"\0")[0].decode("utf-8", "replace")
        age = int.from_bytes(data[20:24], "little")
        return PdbId(uuid.UUID(bytes_le=data[4:20]), age, re.split(r"[\\/]", path)[-1])
    return None
