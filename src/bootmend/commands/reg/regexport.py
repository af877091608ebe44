"""A key with all below it as a .reg file: version 5.00, UTF-16LE with its mark, as reg.exe writes it.

What the quoted form cannot hold exactly (a REG_SZ without its NUL or with line breaks in it, a
REG_DWORD that is no four bytes) is written as hex(type), so that an import gives back the very bytes.
Class names, security and times have no place in the format.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator

from bootmend.commands.reg.names import KeyName
from bootmend.commands.reg.regfile import HEADER
from bootmend.formats.hive import Key, Value, ValueType, sz
from bootmend.texts import say

_WIDEST = 76
"""A line of bytes is broken after the first byte that ends beyond this column."""
_BREAKS = frozenset("\r\n\0")


def reg_file(top: Key, name: KeyName) -> tuple[bytes, list[str]]:
    """The file's bytes, and notes on what it could not hold."""
    notes: list[str] = []
    lines = [HEADER, ""]
    for key, full in _branch(top, str(name), notes):
        lines.append(f"[{full}]")
        lines.extend(_entry(value) for value in key.values())
        lines.append("")
    lines.append("")
    return codecs.BOM_UTF16_LE + "\r\n".join(lines).encode("utf-16-le", "surrogatepass"), notes


def _branch(top: Key, name: str, notes: list[str]) -> Iterator[tuple[Key, str]]:
    todo = [(top, name)]
    classes = 0
    while todo:
        key, full = todo.pop()
        if _BREAKS & set(key.name) and key is not top:
            notes.append(say("reg.left_out", at=repr(full)))
            continue
        classes += key.class_name is not None
        yield key, full
        todo += [(below, f"{full}\\{below.name}") for below in reversed(key.subkeys())]
    if classes:
        notes.append(say("reg.classes_left_out", count=classes))


def _entry(value: Value) -> str:
    name = f'"{_escaped(value.name)}"=' if value.name else "@="
    if value.type == ValueType.SZ:
        text = value.text
        if sz(text) == value.data and not _BREAKS & set(text):
            return f'{name}"{_escaped(text)}"'
    if value.type == ValueType.DWORD and len(value.data) == 4:
        return f"{name}dword:{value.number:08x}"
    kind = "hex:" if value.type == ValueType.BINARY else f"hex({value.type:x}):"
    return _broken(name + kind, value.data)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _broken(start: str, data: bytes) -> str:
    """The bytes in hex after `start`, each two digits and a comma, over as many lines as they need."""
    first = max((_WIDEST - len(start)) // 3 + 1, 1)
    rest = (_WIDEST - 2) // 3 + 1
    pieces = [data[:first], *(data[at : at + rest] for at in range(first, len(data), rest))]
    return start + ",\\\r\n  ".join(piece.hex(",") for piece in pieces)
