"""One element of a BCD object: an id (u32), and bytes whose meaning the id's own bits tell.

By "BCD element types" in Microsoft's BCD reference:

    bits 28-31  class: 1 library, 2 application, 3 device, 4 setup template, 5 OEM
    bits 24-27  format: 1 device, 2 string, 3 object, 4 object list, 5 integer, 6 boolean, 7 integer list
    bits 0-23   which one

Registry types as Windows writes them: REG_SZ for strings and objects, REG_MULTI_SZ for object lists,
REG_BINARY for the rest. Read more widely than written: real stores hold integers of 1 and 3 bytes
and an object list as one REG_SZ.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from itertools import takewhile
from typing import TypeAlias
from uuid import UUID

from bootmend.errors import Misuse, ParseError
from bootmend.formats.bcd.device_bytes import decode_device, encode_device
from bootmend.formats.bcd.devices import Device
from bootmend.formats.bcd.names import element_name, word_of
from bootmend.formats.hive import ValueType, multi_sz, sz

Value: TypeAlias = bool | int | str | UUID | list[UUID] | list[int] | Device | bytes


class ElementFormat(IntEnum):
    DEVICE = 1
    STRING = 2
    OBJECT = 3
    OBJECT_LIST = 4
    INTEGER = 5
    BOOLEAN = 6
    INTEGER_LIST = 7


def element_format(element_id: int) -> ElementFormat | None:
    """What the id says its data is; None for a number that no Windows uses."""
    number = element_id >> 24 & 0xF
    return ElementFormat(number) if 1 <= number <= 7 else None


@dataclass(frozen=True, slots=True)
class Element:
    id: int
    raw_type: int
    """Registry value type."""
    raw: bytes
    object_type: int = 0
    """Type of the object it stands in: 23000003 is `default` in one and `resumeobject` in another."""

    @property
    def name(self) -> str:
        return element_name(self.id, self.object_type)

    @property
    def format(self) -> ElementFormat | None:
        return element_format(self.id)

    @property
    def value(self) -> Value:
        """The decoded value; the raw bytes where they cannot be decoded (`note` says why)."""
        try:
            return _decode(self)
        except ParseError:
            return self.raw

    @property
    def note(self) -> str:
        """Why `value` is still raw bytes; empty where it is decoded."""
        try:
            _decode(self)
        except ParseError as error:
            return str(error)
        return ""

    @property
    def device(self) -> Device | None:
        """The value of a device element; None for other elements and for what cannot be decoded."""
        value = self.value
        return value if isinstance(value, Device) else None

    @property
    def word(self) -> str | None:
        """bcdedit's word for the number, such as `Minimal`; None where it has none."""
        value = self.value
        return word_of(self.id, self.object_type, value) if type(value) is int else None

    def __str__(self) -> str:
        """As `bcdedit /enum` shows it, more or less: `timeout 30`, `nx OptIn`, `bootems No`."""
        value = self.value
        if isinstance(value, bool):
            return f"{self.name} {'Yes' if value else 'No'}"
        if isinstance(value, list):
            return f"{self.name} {', '.join(_plain(item) for item in value)}"
        return f"{self.name} {self.word or _plain(value)}"


def encode_value(element_id: int, value: Value) -> tuple[int, bytes]:
    """Registry type and data for a value, as Windows writes it; Misuse where it does not fit the id."""
    match element_format(element_id), value:
        case ElementFormat.DEVICE, bytes():
            return ValueType.BINARY, value
        case ElementFormat.DEVICE, _ if isinstance(value, Device):
            return ValueType.BINARY, encode_device(value)
        case ElementFormat.STRING, str() if "\0" not in value:
            return ValueType.SZ, sz(value)
        case ElementFormat.OBJECT, UUID():
            return ValueType.SZ, sz(f"{{{value}}}")
        case ElementFormat.OBJECT_LIST, list() if all(isinstance(item, UUID) for item in value):
            return ValueType.MULTI_SZ, multi_sz([f"{{{item}}}" for item in value])
        case ElementFormat.BOOLEAN, bool():
            return ValueType.BINARY, bytes([value])
        case ElementFormat.INTEGER, int() if _fits(value):
            return ValueType.BINARY, value.to_bytes(8, "little")
        case ElementFormat.INTEGER_LIST, list() if all(_fits(item) for item in value):
            return ValueType.BINARY, b"".join(int(item).to_bytes(8, "little") for item in value)
    raise Misuse(f"element {element_id:08x} cannot hold {value!r}")


def _fits(value: object) -> bool:
    return type(value) is int and 0 <= value < 1 << 64


def _plain(value: object) -> str:
    if isinstance(value, UUID):
        return f"{{{value}}}"
    return value.hex() if isinstance(value, bytes) else str(value)


def _decode(element: Element) -> Value:
    raw, where = element.raw, f"BCD element {element.id:08x}"
    match element.format:
        case ElementFormat.DEVICE:
            return decode_device(raw, where)
        case ElementFormat.STRING:
            return _text(raw, where)
        case ElementFormat.OBJECT:
            return _guid(_text(raw, where), where)
        case ElementFormat.OBJECT_LIST:
            return [_guid(text, where) for text in _strings(raw, where)]
        case ElementFormat.INTEGER if 1 <= len(raw) <= 8:
            return int.from_bytes(raw, "little")
        case ElementFormat.BOOLEAN if 1 <= len(raw) <= 8:
            return any(raw)
        case ElementFormat.INTEGER_LIST if len(raw) % 8 == 0:
            return [int.from_bytes(raw[at : at + 8], "little") for at in range(0, len(raw), 8)]
    raise ParseError(where, 0, "data of the length its format has", f"{len(raw)} bytes")


def _text(raw: bytes, where: str) -> str:
    return next(iter(_strings(raw, where)), "")


def _strings(raw: bytes, where: str) -> list[str]:
    """The texts of REG_SZ or REG_MULTI_SZ data, up to the first empty one; a missing last NUL is forgiven."""
    if len(raw) % 2:
        raise ParseError(where, len(raw) - 1, "UTF-16 text", "half a character")
    return list(takewhile(bool, raw.decode("utf-16-le", "surrogatepass").split("\0")))


def _guid(text: str, where: str) -> UUID:
    if not (len(text) == 38 and text[0] == "{" and text[-1] == "}" and text.count("-") == 4):
        raise ParseError(where, 0, "a GUID in braces", repr(text[:60]))
    try:
        return UUID(text)
    except ValueError:
        raise ParseError(where, 0, "a GUID in braces", repr(text)) from None
