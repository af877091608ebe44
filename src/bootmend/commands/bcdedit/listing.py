"""Entries as `bcdedit /enum` shows them.

    Windows Boot Loader
    -------------------
    identifier              {default}
    device                  partition=C:
    inherit                 {globalsettings}
                            {hypervisorsettings}

Entries come by type, then by id; elements by id. Names are padded to 24 columns; numbers that are
addresses or lists are hexadecimal. Headers and order by real listings of Windows 7 to 11.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address
from unicodedata import category
from uuid import UUID

from bootmend.commands.bcdedit.device_words import show_device
from bootmend.commands.bcdedit.identifiers import entry
from bootmend.commands.bcdedit.partitions import Partitions
from bootmend.commands.bcdedit.values import IP_ADDRESSES
from bootmend.formats.bcd import WELL_KNOWN, BcdObject, Element, ObjectType, Store, identifier
from bootmend.formats.bcd import Device as AnyDevice

COLUMN = 24

_HEADERS: dict[int, str] = {
    ObjectType.FIRMWARE_BOOT_MANAGER: "Firmware Boot Manager",
    ObjectType.BOOT_MANAGER: "Windows Boot Manager",
    ObjectType.OS_LOADER: "Windows Boot Loader",
    ObjectType.RESUME: "Resume from Hibernate",
    ObjectType.MEMORY_TEST: "Windows Memory Tester",
    ObjectType.LEGACY_LOADER: "Windows Legacy OS Loader",
    ObjectType.BOOT_SECTOR: "Real-mode Boot Sector",
    ObjectType.DEVICE: "Device options",
}
_HEADERS_BY_NAME = {
    "emssettings": "EMS Settings",
    "dbgsettings": "Debugger Settings",
    "kerneldbgsettings": "Kernel Debugger Settings",
    "badmemory": "RAM Defects",
    "globalsettings": "Global Settings",
    "bootloadersettings": "Boot Loader Settings",
    "hypervisorsettings": "Hypervisor Settings",
    "resumeloadersettings": "Resume Loader Settings",
    "ramdiskoptions": "Setup Ramdisk Options",
}
_BY_ID = {WELL_KNOWN[name]: header for name, header in _HEADERS_BY_NAME.items()}
_KINDS = {1: "Firmware Application", 2: "Windows Boot Application", 3: "Legacy Loader", 4: "Real-mode Application"}
_HEXADECIMAL = (
    "truncatememory",
    "relocatephysical",
    "avoidlowmemory",
    "debugaddress",
    "keyringaddress",
    "kerneldebugaddress",
)

_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Categories of characters that a terminal obeys or cannot show."""


def chosen(store: Store, what: str) -> list[BcdObject]:
    """The entries that `/enum what` shows: a type of entries, or an identifier (Missing where it is not there)."""
    if what.startswith("{"):
        return [entry(what, store)]
    if what == "active":
        boot_manager = [store.boot_manager] if store.boot_manager else []
        return boot_manager + [store.objects[each] for each in store.display_order if each in store.objects]
    fits = {
        "firmware": lambda found: found.type >> 20 == 0x101,
        "bootapp": lambda found: found.type >> 20 == 0x102,
        "bootmgr": lambda found: found.type == ObjectType.BOOT_MANAGER,
        "osloader": lambda found: found.type in (ObjectType.OS_LOADER, ObjectType.LEGACY_LOADER),
        "resume": lambda found: found.type == ObjectType.RESUME,
        "inherit": lambda found: found.type >> 28 == 2,
        "all": lambda _: True,
    }[what]
    return sorted(filter(fits, store.objects.values()), key=lambda found: (found.type, str(found.id)))


def header(found: BcdObject) -> str:
    """What kind of entry it is, in bcdedit's words."""
    known = _BY_ID.get(found.id) or _HEADERS.get(found.type)
    if known:
        return known
    if found.type >> 28 == 1:
        return f"{_KINDS.get(found.type >> 20 & 0xF, 'Application')} ({found.type:08x})"
    return f"Inheritable Settings ({found.type:08x})" if found.type >> 28 == 2 else f"Unknown ({found.type:08x})"


class Listing:
    """Shows entries of one store; `full` is `/v`: every identifier as its GUID."""

    def __init__(self, store: Store, partitions: Partitions, *, full: bool = False) -> None:
        self._store = store
        self._partitions = partitions
        self._full = full

    def lines(self, entries: list[BcdObject]) -> Iterator[str]:
        """Every entry after an empty line, as bcdedit prints them."""
        for found in entries:
            title = header(found)
            yield from ("", title, "-" * len(title))
            yield from columns("identifier", [self.name(found.id)])
            yield from self.elements(found)

    def elements(self, found: BcdObject) -> Iterator[str]:
        for element in found.elements.values():
            yield from columns(element.name, self.values(element))

    def values(self, element: Element) -> list[str]:
        """The element's value, one text a line; the bytes in hexadecimal where they cannot be decoded."""
        value = element.value
        if isinstance(value, bytes):
            return [value.hex()]
        if isinstance(value, list):
            return [self._item(element, each) for each in value]
        if isinstance(value, bool):
            return ["Yes" if value else "No"]
        if isinstance(value, UUID):
            return [self.name(value)]
        if isinstance(value, AnyDevice):
            return [_printable(show_device(value, self._partitions, self.name))]
        return [self._number(element, value) if isinstance(value, int) else _printable(value)]

    def name(self, object_id: UUID) -> str:
        if self._full:
            return f"{{{object_id}}}"
        return "{default}" if object_id == self._store.default_id else identifier(object_id)

    def _item(self, element: Element, value: UUID | int) -> str:
        if isinstance(value, UUID):
            return self.name(value)
        return str(value) if element.name.startswith("custom:") else f"{value:#x}"

    def _number(self, element: Element, value: int) -> str:
        if element.word is not None:
            return element.word
        if element.name in IP_ADDRESSES and value < 1 << 32:
            return str(IPv4Address(value))
        return f"{value:#x}" if element.name in _HEXADECIMAL else str(value)


def columns(name: str, values: list[str]) -> Iterator[str]:
    """The name in its column, and the values below each other; a list may be empty."""
    for value in values[:1] or [""]:
        yield f"{name:<{COLUMN - 1}} {value}" if value else name
    for value in values[1:]:
        yield " " * COLUMN + value


def _printable(text: str) -> str:
    """Control and format characters and lone surrogates escaped: the text comes off a disk and goes to a terminal."""
    return "".join(f"\\u{ord(each):04x}" if category(each) in _UNSEEN else each for each in text)
