"""The records that cells hold, as tables; sizes and offsets in bytes.

Source of the layouts: "Windows registry file format specification" (M. Suhanov).

    nk  key node        vk  key value       sk  key security
    lf lh li  list of subkeys (hint, hash, bare)       ri  list of such lists
    db  big data: more than 16,344 bytes of a value, in segments

A plain cell holds a value's data, a key's list of values, a class name, or a db's segment list.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

NK = struct.Struct("<2sHQIIIIIIIIIIIIIIIHH")
VK = struct.Struct("<2sHIIIHH")
SK = struct.Struct("<2sHIIII")
DB = struct.Struct("<2sHI")
HBIN = struct.Struct("<4sIIQQI")
LIST_HEADER = struct.Struct("<2sH")
U32 = struct.Struct("<I")
I32 = struct.Struct("<i")
assert (NK.size, VK.size, SK.size, DB.size, HBIN.size) == (76, 20, 20, 8, 32)

COMPRESSED_KEY = 0x20
"""nk flag: the name is Latin-1, not UTF-16."""
ROOT_KEY = 0x04
NO_DELETE = 0x08
SYMBOLIC_LINK = 0x10
COMPRESSED_VALUE = 0x01
INLINE = 0x80000000
"""In a vk's data size: the data, at most four bytes, stands in the offset's place."""
SEGMENT = 16344
"""Bytes of a value in each segment of big data but the last."""
ENTRY_SIZE = {b"lf": 8, b"lh": 8, b"li": 4, b"ri": 4}
LAYER_BITS = 0x8300
"""Of `KeyNode.access`: inherit-class and layer semantics, only set in the keys of a delta hive."""


class KeyNode(NamedTuple):
    """An nk record; the name follows it."""

    signature: bytes
    flags: int
    written: int
    access: int
    parent: int
    subkey_count: int
    volatile_count: int
    subkeys: int
    volatile_subkeys: int
    value_count: int
    values: int
    security: int
    class_name: int
    max_name: int
    """Low 16 bits: longest subkey name, as UTF-16 bytes; the rest are flags."""
    max_class: int
    max_value_name: int
    max_value_data: int
    work: int
    name_length: int
    class_length: int

    @property
    def compressed(self) -> bool:
        return bool(self.flags & COMPRESSED_KEY)


class ValueRecord(NamedTuple):
    """A vk record; the name follows it."""

    signature: bytes
    name_length: int
    size: int
    data: int
    type: int
    flags: int
    spare: int

    @property
    def length(self) -> int:
        return self.size & ~INLINE

    @property
    def inline(self) -> bool:
        return bool(self.size & INLINE)

    @property
    def compressed(self) -> bool:
        return bool(self.flags & COMPRESSED_VALUE)


class SecurityRecord(NamedTuple):
    """An sk record; a self-relative security descriptor follows it. All sk of a hive are linked in a ring."""

    signature: bytes
    reserved: int
    forward: int
    backward: int
    references: int
    length: int


# Offsets of the nk fields that edits write one by one.
NK_WRITTEN, NK_SUBKEY_COUNT, NK_SUBKEYS, NK_VALUE_COUNT, NK_VALUES = 4, 20, 28, 36, 40
NK_MAX_NAME, NK_MAX_CLASS, NK_MAX_VALUE_NAME, NK_MAX_VALUE_DATA = 52, 56, 60, 64
SK_FORWARD, SK_BACKWARD, SK_REFERENCES = 4, 8, 12
