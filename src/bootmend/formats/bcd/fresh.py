"""A new boot store: the objects that Windows' setup and bcdboot put into one, with their elements.

Which objects stand in a store, with which elements, was measured on 31 real stores (Windows 7 to 11, UEFI and
BIOS): a boot manager, the loader of a Windows with its resume object, the memory test, the settings objects
that hold on every machine, and on UEFI the mirror of the firmware's menu. What needs the firmware itself
(`FirmwareVariable`) is left out.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from bootmend.formats.bcd.devices import Partition
from bootmend.formats.bcd.editor import StoreEditor
from bootmend.formats.bcd.elements import Value
from bootmend.formats.bcd.names import element_id
from bootmend.formats.bcd.objects import WELL_KNOWN, ObjectType
from bootmend.formats.hive import HiveEditor, ValueType, new_hive, sz

_KNOWN = WELL_KNOWN


@dataclass(frozen=True, slots=True)
class NewObject:
    """An object to be; `elements` by bcdedit's names."""

    id: UUID
    type: int
    elements: Mapping[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """The Windows that an entry is to start."""

    uefi: bool
    place: Partition
    folder: str
    """Its Windows folder on that partition, such as \\Windows."""
    title: str
    locale: str
    server: bool


def settings_objects() -> list[NewObject]:
    """The objects that others inherit from; the same on every machine."""
    everywhere = [_KNOWN["dbgsettings"], _KNOWN["emssettings"], _KNOWN["badmemory"]]
    debugger: dict[str, Value] = {"hypervisordebugtype": 0, "hypervisordebugport": 1, "hypervisorbaudrate": 115200}
    for_loaders = [_KNOWN["globalsettings"], _KNOWN["hypervisorsettings"]]
    return [
        NewObject(_KNOWN["emssettings"], ObjectType.SETTINGS, {"bootems": False}),
        NewObject(_KNOWN["dbgsettings"], ObjectType.SETTINGS, {"debugtype": 4}),
        NewObject(_KNOWN["badmemory"], ObjectType.SETTINGS, {}),
        NewObject(_KNOWN["globalsettings"], ObjectType.SETTINGS, {"inherit": everywhere}),
        NewObject(_KNOWN["hypervisorsettings"], ObjectType.LOADER_SETTINGS, debugger),
        NewObject(_KNOWN["bootloadersettings"], ObjectType.LOADER_SETTINGS, {"inherit": for_loaders}),
        NewObject(_KNOWN["resumeloadersettings"], ObjectType.RESUME_SETTINGS, {"inherit": [_KNOWN["globalsettings"]]}),
    ]


def manager_objects(*, uefi: bool, place: Partition, locale: str, default: UUID, resume: UUID) -> list[NewObject]:
    """The boot manager, the memory test beside it, and on UEFI the firmware's menu; `place` is where they stand."""
    manager: dict[str, Value] = {
        "device": place,
        "description": "Windows Boot Manager",
        "locale": locale,
        "inherit": [_KNOWN["globalsettings"]],
        "default": default,
        "resumeobject": resume,
        "displayorder": [default],
        "toolsdisplayorder": [_KNOWN["memdiag"]],
        "timeout": 30,
    }
    memory_test: dict[str, Value] = {
        "device": place,
        "path": r"\EFI\Microsoft\Boot\memtest.efi" if uefi else r"\boot\memtest.exe",
        "description": "Windows Memory Diagnostic",
        "locale": locale,
        "inherit": [_KNOWN["globalsettings"]],
        "badmemoryaccess": True,
    }
    objects = []
    if uefi:
        # Real BIOS stores have no path here: the boot sector finds bootmgr by itself.
        manager["path"] = r"\EFI\Microsoft\Boot\bootmgfw.efi"
        firmware: dict[str, Value] = {"displayorder": [_KNOWN["bootmgr"]], "timeout": 0}
        objects.append(NewObject(_KNOWN["fwbootmgr"], ObjectType.FIRMWARE_BOOT_MANAGER, firmware))
    objects.append(NewObject(_KNOWN["bootmgr"], ObjectType.BOOT_MANAGER, manager))
    objects.append(NewObject(_KNOWN["memdiag"], ObjectType.MEMORY_TEST, memory_test))
    return objects


def windows_objects(
    windows: Installation, *, entry: UUID, resume: UUID, recovery: UUID | None = None
) -> list[NewObject]:
    """The entry of a Windows, and the object that resumes it from hibernation; `recovery` is its Windows RE."""
    suffix = "efi" if windows.uefi else "exe"
    folder = windows.folder
    both: dict[str, Value] = {
        "device": windows.place,
        "locale": windows.locale,
        "recoveryenabled": recovery is not None,
        "allowedinmemorysettings": [0x15000075],
    }
    if windows.uefi:
        both["isolatedcontext"] = True
    if recovery is not None:
        both["recoverysequence"] = [recovery]
    loader: dict[str, Value] = {
        "path": rf"{folder}\system32\winload.{suffix}",
        "description": windows.title,
        "inherit": [_KNOWN["bootloadersettings"]],
        "osdevice": windows.place,
        "systemroot": folder,
        "resumeobject": resume,
        "nx": 1 if windows.server else 0,
        "bootmenupolicy": 1,
    }
    if recovery is not None:
        loader["displaymessageoverride"] = 3
    resuming: dict[str, Value] = {
        "path": rf"{folder}\system32\winresume.{suffix}",
        "description": "Windows Resume Application",
        "inherit": [_KNOWN["resumeloadersettings"]],
        "filedevice": windows.place,
        "filepath": r"\hiberfil.sys",
        "bootmenupolicy": 1,
        "debugoptionenabled": False,
    }
    return [
        NewObject(entry, ObjectType.OS_LOADER, both | loader),
        NewObject(resume, ObjectType.RESUME, both | resuming),
    ]


def new_store(objects: Iterable[NewObject], *, path: str, moment: int, clock_sequence: int, node: int) -> bytes:
    """A store with these objects; `path` is its place on its volume.

    `moment` (FILETIME), `clock_sequence` (14 bits) and `node` (48 bits) are what the next object ids go on from.
    """
    hive = HiveEditor(new_hive("NewStoreRoot", minor=3, file_name=path), "BCD")
    one = struct.pack("<I", 1)
    guids = struct.pack("<QIH", moment, 9999, clock_sequence)
    hive.create_key("Description")
    hive.set_value("Description", "KeyName", ValueType.SZ, sz("BCD00000000"))
    hive.set_value("Description", "System", ValueType.DWORD, one)
    hive.set_value("Description", "TreatAsSystem", ValueType.DWORD, one)
    hive.set_value("Description", "GuidCache", ValueType.BINARY, guids + node.to_bytes(6, "big") + bytes(4))
    hive.create_key("Objects")
    editor = StoreEditor(hive.finish(moment), "BCD")
    for new in objects:
        editor.create_object(new.id, new.type)
        for name, value in new.elements.items():
            number = element_id(name, new.type)
            assert number is not None, name
            editor.set(new.id, number, value)
    return editor.finish(moment)


def time_id(ticks: int, clock_sequence: int, node: int) -> UUID:
    """An object id as Windows makes them, by time: `ticks` in 100 ns since 1582-10-15."""
    high = 0x1000 | ticks >> 48 & 0xFFF
    fields = (
        ticks & 0xFFFFFFFF,
        ticks >> 32 & 0xFFFF,
        high,
        0x80 | clock_sequence >> 8,
        clock_sequence & 0xFF,
        node,
    )
    return UUID(fields=fields)
