"""What a BCD object is, by its type, and the objects that have the same id on every machine.

An object's type (u32, value `Type` of its Description key) by "BCD object types" in Microsoft's BCD reference:

    bits 28-31  1 application, 2 inheritable settings, 3 device (options of a RAM disk)
    bits 20-23  of an application: 1 firmware, 2 boot application, 3 legacy loader, 4 real mode;
                of settings: 1 for any object, 2 for applications, 3 for devices
    bits 0-19   which application: 1 fwbootmgr, 2 bootmgr, 3 OS loader, 4 resume, 5 memory test, ...
"""

from __future__ import annotations

from enum import IntEnum
from uuid import UUID


class ObjectType(IntEnum):
    """The types that occur on real stores; other numbers are kept as they are."""

    FIRMWARE_BOOT_MANAGER = 0x10100001
    BOOT_MANAGER = 0x10100002
    FIRMWARE_APPLICATION = 0x101FFFFF
    """An entry of the firmware's own boot menu, mirrored by Windows."""
    OS_LOADER = 0x10200003
    RESUME = 0x10200004
    MEMORY_TEST = 0x10200005
    LEGACY_LOADER = 0x10300006
    BOOT_SECTOR = 0x10400008
    STARTUP_MODULE = 0x10400009
    SETTINGS = 0x20100000
    """Settings that any object may inherit."""
    LOADER_SETTINGS = 0x20200003
    RESUME_SETTINGS = 0x20200004
    DEVICE = 0x30000000


_SECTIONS = {1: "firmware", 2: "bootmgr", 3: "loader", 4: "resume", 5: "memtest"}


def section(object_type: int) -> str:
    """The table of element names that goes with an object: loader, bootmgr, resume, ..., device.

    Settings for any object and unknown types are read as a loader's: that is what inherits them.
    """
    if object_type >> 28 == 3:
        return "device"
    return _SECTIONS.get(object_type & 0xFFFFF, "loader")


WELL_KNOWN: dict[str, UUID] = {
    "bootmgr": UUID("9dea862c-5cdd-4e70-acc1-f32b344d4795"),
    "fwbootmgr": UUID("a5a30fa2-3d06-4e9f-b5f4-a01df9d1fcba"),
    "memdiag": UUID("b2721d73-1db4-4c62-bf78-c548a880142d"),
    "ntldr": UUID("466f5a88-0af2-4f76-9038-095b170dc21c"),
    "bootloadersettings": UUID("6efb52bf-1766-41db-a6b3-0ee5eff72bd7"),
    "resumeloadersettings": UUID("1afa9c49-16ab-4a5c-901b-212802da9460"),
    "globalsettings": UUID("7ea2e1ac-2e61-4728-aaa3-896d9d0a9f0e"),
    "hypervisorsettings": UUID("7ff607e0-4395-11db-b0de-0800200c9a66"),
    "emssettings": UUID("0ce4991b-e6b3-4b16-b23c-5e0d9250e5d9"),
    "dbgsettings": UUID("4636856e-540f-4170-a130-a84776f4c654"),
    "kerneldbgsettings": UUID("313e8eed-7098-4586-a9bf-309c61f8d449"),
    "badmemory": UUID("5189b25c-5558-4bf2-bca4-289b11bd29e2"),
    "ramdiskoptions": UUID("ae5534e0-a924-466c-b836-758539a3ee3a"),
}
"""Identifiers as bcdedit writes them in braces, without the braces."""

BOOT_MANAGER = WELL_KNOWN["bootmgr"]

_NAMES = {identifier: name for name, identifier in WELL_KNOWN.items()}


def identifier(object_id: UUID) -> str:
    """How bcdedit writes an object: `{bootmgr}`, or the id in braces."""
    return f"{{{_NAMES.get(object_id, object_id)}}}"
