"""The resource section of a driver: one VS_VERSIONINFO, where Explorer and bootmend read versions.

    directory: type 16 (version) -> id 1 -> language 0x409 -> data entry -> VS_VERSIONINFO

Sources: Microsoft, "PE Format", The .rsrc Section; "VS_VERSIONINFO structure" (Win32 menu resources).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping

from bootmend.errors import Misuse

_DIRECTORY = struct.Struct("<IIHHHHII")
"""Characteristics, time stamp, version (2), entries by name, by id; then one entry: id, offset."""
_DATA_ENTRY = struct.Struct("<IIII")
_FIXED_INFO = struct.Struct("<13I")
_SUBDIRECTORY = 0x80000000
_VERSION_TYPE, _VERSION_ID, _ENGLISH_US, _UNICODE = 16, 1, 0x409, 1200

FILE_TYPES = {"driver": (3, 7), "exe": (1, 0), "dll": (2, 0)}
"""dwFileType and dwFileSubtype: VFT_DRV with VFT2_DRV_SYSTEM, VFT_APP, VFT_DLL."""


def version_section(rva: int, version: str, kind: str, strings: Mapping[str, str]) -> bytes:
    """The whole .rsrc section for an image that loads it at `rva`. `version` is up to four numbers, "10.0.20348.1"."""
    info = _version_info(_four_numbers(version), kind, strings)
    levels = (_VERSION_TYPE, _VERSION_ID, _ENGLISH_US)
    entry_at = _DIRECTORY.size * len(levels)
    directories = b"".join(
        _DIRECTORY.pack(0, 0, 0, 0, 0, 1, number, following if following == entry_at else following | _SUBDIRECTORY)
        for following, number in ((_DIRECTORY.size * (level + 1), number) for level, number in enumerate(levels))
    )
    data_at = entry_at + _DATA_ENTRY.size
    return directories + _DATA_ENTRY.pack(rva + data_at, len(info), 0, 0) + info


def _four_numbers(version: str) -> tuple[int, int, int, int]:
    if not re.fullmatch(r"\d+(\.\d+){0,3}", version):
        raise Misuse(f"not a file version: {version}")
    numbers = [int(part) for part in version.split(".")]
    if max(numbers) > 0xFFFF:
        raise Misuse(f"a part of a file version has 16 bits: {version}")
    major, minor, build, revision = (*numbers, 0, 0, 0)[:4]
    return major, minor, build, revision


def _version_info(numbers: tuple[int, int, int, int], kind: str, strings: Mapping[str, str]) -> bytes:
    major, minor, build, revision = numbers
    high, low = major << 16 | minor, build << 16 | revision
    file_type, subtype = FILE_TYPES[kind]
    # VS_FIXEDFILEINFO: signature, structure version, both versions, flag mask, flags, VOS_NT_WINDOWS32, types, date.
    fixed = _FIXED_INFO.pack(0xFEEF04BD, 0x10000, high, low, high, low, 0x3F, 0, 0x40004, file_type, subtype, 0, 0)
    texts = [_node(key, value.encode("utf-16-le") + b"\0\0", text=True) for key, value in strings.items()]
    table = _node(f"{_ENGLISH_US:04x}{_UNICODE:04x}", b"", *texts, text=True)
    translation = _node("Translation", struct.pack("<HH", _ENGLISH_US, _UNICODE))
    return _node(
        "VS_VERSION_INFO",
        fixed,
        _node("StringFileInfo", b"", table, text=True),
        _node("VarFileInfo", b"", translation, text=True),
    )


def _node(key: str, value: bytes, *children: bytes, text: bool = False) -> bytes:
    """One block: length, value length (in characters for text), kind, key, value, children, each on 4 bytes."""
    head = _padded(bytes(6) + key.encode("utf-16-le") + b"\0\0")
    content = head + value
    for child in children:
        content = _padded(content) + child
    return struct.pack("<HHH", len(content), len(value) // 2 if text else len(value), text) + content[6:]


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
