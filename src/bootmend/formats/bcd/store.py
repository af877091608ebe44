"""A BCD store to read: objects with their elements, what they inherit, and which entry boots.

A store is a registry hive (by "BCD store" in Microsoft's BCD reference):

    Description                              KeyName, System, TreatAsSystem, GuidCache
    Objects\\{guid}\\Description             Type, of firmware objects also FirmwareVariable
    Objects\\{guid}\\Elements\\250000c2      Element

Faults of single objects and elements are left out and named in `warnings`; what is no store at all
is a ParseError that says what is missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

from bootmend.errors import ParseError
from bootmend.formats.bcd.elements import Element
from bootmend.formats.bcd.names import element_id
from bootmend.formats.bcd.objects import BOOT_MANAGER, WELL_KNOWN, ObjectType, identifier
from bootmend.formats.hive import Hive, Key
from bootmend.formats.hive import Value as HiveValue

DEFAULT = 0x23000003
DISPLAY_ORDER = 0x24000001
INHERIT = 0x14000006


@dataclass(frozen=True, slots=True)
class BcdObject:
    id: UUID
    type: int
    """0 where its Description has none."""
    elements: dict[int, Element]
    """Its own elements by id, ascending."""
    description: tuple[HiveValue, ...]
    """Values of its Description key: Type, FirmwareVariable."""

    @property
    def name(self) -> str:
        """`{bootmgr}`, or the id in braces."""
        return identifier(self.id)

    def element(self, name: str) -> Element | None:
        """Its own element by bcdedit's name, such as `osdevice`."""
        number = element_id(name, self.type)
        return self.elements.get(number) if number is not None else None

    @property
    def title(self) -> str:
        """The text of its element `description`, such as `Windows 10`; may be empty."""
        element = self.element("description")
        return element.value if element and isinstance(element.value, str) else ""


@dataclass(frozen=True, slots=True)
class Store:
    file: str
    root_name: str
    objects: dict[UUID, BcdObject]
    description: tuple[HiveValue, ...]
    """Values of the store's own Description key."""
    dirty: bool
    """The hive has changes in its logs that are not seen here: bring it up to date first."""
    warnings: list[str] = field(default_factory=list)

    @classmethod
    def parse(cls, data: bytes, file: str) -> Store:
        hive = Hive.parse(data, file)
        objects_key = hive.key("Objects")
        if objects_key is None:
            raise ParseError(file, 0, "a BCD store with a key Objects", f"a hive with {_names(hive.root)}")
        warnings: list[str] = []
        objects = {found.id: found for found in _objects(objects_key, warnings)}
        if not objects and objects_key.subkeys():
            raise ParseError(file, 0, "a BCD store with objects named by GUIDs", _names(objects_key))
        description = hive.key("Description")
        values = tuple(description.values()) if description else ()
        return cls(file, hive.root.name, objects, values, hive.dirty, [*hive.warnings, *warnings])

    @property
    def boot_manager(self) -> BcdObject | None:
        return self.objects.get(BOOT_MANAGER)

    @property
    def default(self) -> BcdObject | None:
        """The entry that boots when nobody chooses; None where none is named or the named one is missing."""
        named = self.default_id
        return self.objects.get(named) if named else None

    @property
    def default_id(self) -> UUID | None:
        """What the boot manager's `default` names, whether it exists or not."""
        element = self.boot_manager.elements.get(DEFAULT) if self.boot_manager else None
        return element.value if element and isinstance(element.value, UUID) else None

    @property
    def display_order(self) -> list[UUID]:
        """The boot menu; ids that do not exist included."""
        return _list(self.boot_manager, DISPLAY_ORDER) if self.boot_manager else []

    @property
    def loaders(self) -> list[BcdObject]:
        """Every OS loader: Windows, Setup, Windows RE, stale ones too."""
        return [found for found in self.objects.values() if found.type == ObjectType.OS_LOADER]

    def object(self, name: str) -> BcdObject | None:
        """By `{bootmgr}`, `{default}` or a GUID, with or without braces, in any case."""
        bare = name.strip("{}").lower()
        if bare == "default":
            return self.default
        try:
            return self.objects.get(WELL_KNOWN.get(bare) or UUID(bare))
        except ValueError:
            return None

    def inherited(self, found: BcdObject) -> dict[int, Element]:
        """All elements that hold for the object: its own, then those of what it inherits, nearest first."""
        effective: dict[int, Element] = {}
        pending, seen = [found], {found.id}
        while pending:
            current = pending.pop()
            for number, element in current.elements.items():
                effective.setdefault(number, element)
            fresh = [parent for parent in dict.fromkeys(_list(current, INHERIT)) if parent not in seen]
            seen.update(fresh)
            pending += [self.objects[parent] for parent in reversed(fresh) if parent in self.objects]
        return effective

    def setting(self, found: BcdObject, name: str) -> Element | None:
        """An element by bcdedit's name, the object's own or inherited."""
        number = element_id(name, found.type)
        return self.inherited(found).get(number) if number is not None else None


def _list(found: BcdObject, number: int) -> list[UUID]:
    element = found.elements.get(number)
    value = element.value if element else []
    return [item for item in value if isinstance(item, UUID)] if isinstance(value, list) else []


def _names(key: Key) -> str:
    return ", ".join(repr(subkey.name[:60]) for subkey in key.subkeys()[:5]) or "no keys"


def _objects(objects_key: Key, warnings: list[str]) -> Iterator[BcdObject]:
    for key in objects_key.subkeys():
        name = key.name
        if len(name) != 38 or name[0] != "{" or name[-1] != "}":
            # An object named `{Default}`, without a Description, occurs in a real store.
            warnings.append(f"{key.path}: the name is no GUID in braces")
            continue
        try:
            object_id = UUID(name)
        except ValueError:
            warnings.append(f"{key.path}: the name is no GUID in braces")
            continue
        description = key.key("Description")
        values = tuple(description.values()) if description else ()
        object_type = next((_u32(value) for value in values if value.name.lower() == "type"), 0)
        if not object_type:
            warnings.append(f"{key.path}: no type in its Description")
        elements_key = key.key("Elements")
        found = _elements(elements_key, object_type, warnings) if elements_key else ()
        yield BcdObject(object_id, object_type, {element.id: element for element in sorted(found, key=_number)}, values)


def _elements(elements_key: Key, object_type: int, warnings: list[str]) -> Iterator[Element]:
    for key in elements_key.subkeys():
        value = key.value("Element")
        if not (len(key.name) == 8 and set(key.name.lower()) <= set("0123456789abcdef")):
            warnings.append(f"{key.path}: the name is not 8 hexadecimal digits")
        elif value is None:
            warnings.append(f"{key.path}: no value Element")
        else:
            yield Element(int(key.name, 16), value.type, value.data, object_type)


def _number(element: Element) -> int:
    return element.id


def _u32(value: HiveValue) -> int:
    return int.from_bytes(value.data[:4], "little")
