"""Registry values written as text, and what it takes to write them into a hive.

    [Control\\CrashControl]
    AutoReboot: dword 1
    DumpFile: expand %SystemRoot%\\MEMORY.DMP
    DumpFilters: multi dumpfve.sys | dumpother.sys
    @: sz the key's own value

`${name}` is filled in, `$$` is a dollar sign. A key without values is made all the same.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from string import Template
from typing import Protocol

from bootmend.errors import ParseError
from bootmend.formats.hive import ValueType, multi_sz, sz


@dataclass(frozen=True, slots=True)
class Setting:
    """One value of one key; a key that only has to exist is a Setting of type None."""

    key: str
    name: str = ""
    type: int | None = None
    data: bytes = b""


class Editor(Protocol):
    """What of `HiveEditor` is needed here."""

    def create_key(self, path: str) -> None: ...

    def set_value(self, path: str, name: str, type: int, data: bytes) -> None: ...  # noqa: A002


def dword(value: int) -> bytes:
    return struct.pack("<I", value)


def read_settings(source: str, places: Mapping[str, str], file: str = "lab text") -> list[Setting]:
    """Every value of `source`, in its order. Raises ParseError with the line's offset for what is not of the form."""
    key = ""
    found: list[Setting] = []
    offset = 0
    for raw in source.splitlines(keepends=True):
        line = raw.strip()
        if line and not line.startswith("#"):
            line = Template(line).substitute(places)
            if line.startswith("["):
                key = line[1:-1]
                found.append(Setting(key))
            else:
                found.append(_setting(key, line, file, offset))
        offset += len(raw.encode())
    return found


def apply_settings(editor: Editor, settings: Iterable[Setting], below: str = "") -> None:
    """Writes all of them, under the key `below` where one is named; keys that are not there are made."""
    made: set[str] = set()
    for setting in settings:
        path = f"{below}\\{setting.key}".strip("\\")
        if path not in made:
            editor.create_key(path)
            made.add(path)
        if setting.type is not None:
            editor.set_value(path, setting.name, setting.type, setting.data)


def _setting(key: str, line: str, file: str, offset: int) -> Setting:
    head, colon, rest = line.partition(": ")
    if not colon or not key:
        raise ParseError(file, offset, "name: type value, below a [key]", line)
    kind, _, value = rest.partition(" ")
    name = "" if head == "@" else head
    if kind == "multi":
        parts = [part.strip() for part in value.split(" | ")]
        return Setting(key, name, ValueType.MULTI_SZ, multi_sz([] if parts == ['""'] else parts))
    if kind == "tags":
        tags = [int(tag) for tag in value.split()]
        return Setting(key, name, ValueType.BINARY, b"".join(map(dword, [len(tags), *tags])))
    match kind:
        case "sz":
            return Setting(key, name, ValueType.SZ, sz(value))
        case "expand":
            return Setting(key, name, ValueType.EXPAND_SZ, sz(value))
        case "dword":
            return Setting(key, name, ValueType.DWORD, dword(int(value, 0)))
        case "qword":
            return Setting(key, name, ValueType.QWORD, struct.pack("<Q", int(value, 0)))
        case "binary":
            return Setting(key, name, ValueType.BINARY, bytes.fromhex(value))
    raise ParseError(file, offset, "sz, expand, multi, dword, qword, binary or tags", kind)
