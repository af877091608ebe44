"""One element of a boot store or one value of the SYSTEM hive: where it stands, what it holds, what it should.

A `Place` is an address, a `Stored` is raw type and raw bytes as they stand there, and None is a
value too: nothing stands there. A `Setting` is a place and what a switch wants in it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias
from uuid import UUID

from bootmend.formats.bcd import Element, element_name, identifier
from bootmend.formats.bcd import Value as ElementValue
from bootmend.formats.bcd.elements import encode_value
from bootmend.formats.hive import Value, ValueType
from bootmend.windows.image import address

_SHOWN_BYTES = 32
_TEXTS = (ValueType.SZ, ValueType.EXPAND_SZ)


@dataclass(frozen=True, slots=True)
class Stored:
    """What stands in a place, byte for byte."""

    type: int
    """Registry type; of an element too, since a store is a hive."""
    data: bytes


@dataclass(frozen=True, slots=True)
class ElementPlace:
    """An element of an object of the BCD store at `path` of a volume."""

    volume: int
    path: str
    object: UUID
    element: int
    object_type: int = field(compare=False)

    @property
    def file(self) -> tuple[int, str]:
        return self.volume, self.path

    @property
    def name(self) -> str:
        """`{bootmgr} timeout`."""
        return f"{identifier(self.object)} {element_name(self.element, self.object_type)}"

    @property
    def where(self) -> str:
        return plain(f"{address(self.volume, self.path)} {self.name}")

    def show(self, stored: Stored | None) -> str | None:
        """The value in bcdedit's words; None where nothing is stored."""
        if stored is None:
            return None
        element = Element(self.element, stored.type, stored.data, self.object_type)
        return str(element).partition(" ")[2]


@dataclass(frozen=True, slots=True)
class ValuePlace:
    """A value of a key of the hive at `path` of a volume."""

    volume: int
    path: str
    key: str
    name: str

    @property
    def file(self) -> tuple[int, str]:
        return self.volume, self.path

    @property
    def where(self) -> str:
        return plain(f"{address(self.volume, self.path)} {self.key}\\{self.name}")

    def show(self, stored: Stored | None) -> str | None:
        """Numbers in decimal, texts as they are, the rest in hexadecimal; None where nothing is stored."""
        if stored is None:
            return None
        value = Value(self.name, stored.type, stored.data)
        if stored.type in _TEXTS:
            return plain(value.text)
        if stored.type in (ValueType.DWORD, ValueType.QWORD) and 1 <= len(stored.data) <= 8:
            return str(value.number)
        return stored.data[:_SHOWN_BYTES].hex(" ")


Place: TypeAlias = ElementPlace | ValuePlace


@dataclass(frozen=True, slots=True)
class Setting:
    """A place and what a switch that is on has there."""

    place: Place
    wanted: Stored
    telling: bool = False
    """With the switch off no Windows holds this: it alone shows that somebody turned the switch on."""
    off: tuple[Stored, ...] = ()
    """What else stands in a telling place while the switch is off; nothing at all always counts."""
    without: Stored | None = None
    """What is put there by a `disable` that does not know what stood there before: mostly nothing."""
    keep: bool = False
    """Such a `disable` leaves it as it is: without it the machine would be worse off."""
    object_type: int | None = None
    """The object that is made for an element where it is missing; None: it must be there."""


def same(place: Place, one: Stored | None, other: Stored | None) -> bool:
    """Both mean the same to Windows: an integer element of 1 byte and one of 8 may."""
    if one is None or other is None or one == other:
        return one == other
    if one.type != other.type:
        return False
    if isinstance(place, ElementPlace):
        mine, theirs = (Element(place.element, each.type, each.data, place.object_type).value for each in (one, other))
        return type(mine) is type(theirs) and mine == theirs
    if one.type in _TEXTS:
        return Value("", one.type, one.data).text == Value("", other.type, other.data).text
    return False


def plain(text: str) -> str:
    """Text off the disk for a terminal: what does not print (controls, half characters) as its number."""
    return "".join(one if one.isprintable() else f"\\u{ord(one):04x}" for one in text)


def element_value(element: int, value: ElementValue) -> Stored:
    """A value as Windows stores it in that element."""
    return Stored(*encode_value(element, value))


def dword(number: int) -> Stored:
    return Stored(ValueType.DWORD, number.to_bytes(4, "little"))
