"""Types and data of values, as reg.exe takes them from words and prints them.

The numbers follow reg.exe of Windows 10: decimal or 0x, no octal; a REG_BINARY of an odd number of
digits gets a leading zero. It differs in one thing: REG_DWORD_BIG_ENDIAN is stored big-endian, as its
name and every reader have it (reg.exe stores it little-endian).
"""

from __future__ import annotations

import re

from bootmend.errors import Misuse
from bootmend.formats.hive import Value, ValueType, multi_sz, sz
from bootmend.texts import say

TYPES: dict[str, int] = {
    "REG_NONE": ValueType.NONE,
    "REG_SZ": ValueType.SZ,
    "REG_EXPAND_SZ": ValueType.EXPAND_SZ,
    "REG_BINARY": ValueType.BINARY,
    "REG_DWORD": ValueType.DWORD,
    "REG_DWORD_LITTLE_ENDIAN": ValueType.DWORD,
    "REG_DWORD_BIG_ENDIAN": ValueType.DWORD_BE,
    "REG_LINK": ValueType.LINK,
    "REG_MULTI_SZ": ValueType.MULTI_SZ,
    "REG_RESOURCE_LIST": ValueType.RESOURCE_LIST,
    "REG_FULL_RESOURCE_DESCRIPTOR": ValueType.FULL_RESOURCE_DESCRIPTOR,
    "REG_RESOURCE_REQUIREMENTS_LIST": ValueType.RESOURCE_REQUIREMENTS_LIST,
    "REG_QWORD": ValueType.QWORD,
    "REG_QWORD_LITTLE_ENDIAN": ValueType.QWORD,
}
_NAMES = {number: name for name, number in reversed(TYPES.items())}
"""Of two names for one number the first is printed."""

_DECIMAL, _HEX = re.compile(r"[0-9]+"), re.compile(r"0[xX][0-9a-fA-F]+")
_WIDTHS: dict[int, int] = {ValueType.DWORD: 4, ValueType.DWORD_BE: 4, ValueType.QWORD: 8}
_TEXTS = (ValueType.SZ, ValueType.EXPAND_SZ)
SEPARATOR = "\\0"
"""Between the strings of a REG_MULTI_SZ, where nothing else is said: a backslash and a zero."""


def type_named(word: str) -> int:
    """Raises Misuse for a word that names no type."""
    number = TYPES.get(word.upper())
    if number is None:
        raise Misuse(say("reg.no_type", word=word, known=", ".join(TYPES)))
    return number


def type_name(number: int) -> str:
    """Types without a name are shown by their number."""
    return _NAMES.get(number, f"REG_{number:#x}")


def encode(kind: int, word: str | None, separator: str = SEPARATOR) -> bytes:
    """The bytes of a value of type `kind` from the word after /d (None: there was none). Raises Misuse."""
    if kind in _WIDTHS:
        return _number(kind, word)
    text = word or ""
    if kind == ValueType.MULTI_SZ:
        return _strings(text, separator)
    if kind in (*_TEXTS, ValueType.NONE):
        return sz(text)
    if kind == ValueType.LINK:
        return text.encode("utf-16-le", "surrogatepass")
    if not re.fullmatch(r"[0-9a-fA-F]*", text):
        raise Misuse(say("reg.no_hex", word=text, type=type_name(kind)))
    return bytes.fromhex("0" * (len(text) % 2) + text)


def _number(kind: int, word: str | None) -> bytes:
    width = _WIDTHS[kind]
    if word is None and kind == ValueType.QWORD:
        return bytes(width)
    if word == "-1" and kind == ValueType.QWORD:
        return b"\xff" * width
    if word is None:
        raise Misuse(say("reg.no_data", type=type_name(kind)))
    if _HEX.fullmatch(word) and len(word) <= 200:
        number = int(word, 16)
    elif _DECIMAL.fullmatch(word) and len(word) <= 200:
        number = int(word)
    else:
        raise Misuse(say("reg.no_number", word=word, type=type_name(kind)))
    if number >> (8 * width):
        raise Misuse(say("reg.number_too_large", word=word, type=type_name(kind), bytes=width))
    return number.to_bytes(width, "big" if kind == ValueType.DWORD_BE else "little")


def _strings(text: str, separator: str) -> bytes:
    if text in ("", separator):
        return multi_sz([""] if text else [])
    parts = text.split(separator)
    if parts[-1] == "":
        parts.pop()
    if not all(parts):
        raise Misuse(say("reg.empty_string", word=text, separator=separator))
    return multi_sz(parts)


def shown(value: Value, separator: str = SEPARATOR) -> str:
    """The data as `reg query` prints it; what is not what its type says is printed in hex."""
    data = value.data
    if value.type in (*_TEXTS, ValueType.LINK):
        return value.text
    if value.type == ValueType.MULTI_SZ:
        text = data[: len(data) & ~1].decode("utf-16-le", "surrogatepass")
        return text.rstrip("\0").replace("\0", separator)
    if _WIDTHS.get(value.type) == len(data):
        return f"{value.number:#x}"
    return data.hex().upper()
