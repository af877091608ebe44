"""BCD stores for lab disks, as Windows setup leaves them (`retarget`, beside it, fits a real one).

Which objects stand in a store, with which elements, was measured on 31 real stores (Windows 7 to 11,
UEFI and BIOS): a boot manager, the default loader with its resume object, the memory test, the six
settings objects that hold on every machine, and on UEFI the mirror of the firmware's menu. What
needs the firmware itself (`FirmwareVariable`) is left out.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Mapping
from uuid import UUID

from bootmend.formats.bcd import WELL_KNOWN, ObjectType, Partition, RamdiskDevice, StoreEditor, Value, element_id
from bootmend.formats.hive import HiveEditor, ValueType, new_hive, sz
from bootmend.lab.bcd_retarget import retarget

_UEFI = 2
_SETUP_DAY = 132_751_872_000_000_000
"""FILETIME of 2021-09-03, around which the ids of a made store are dated."""
_SERVERS = {
    9600: "Windows Server 2012 R2",
    14393: "Windows Server 2016",
    17763: "Windows Server",
    20348: "Windows Server",
    26100: "Windows Server",
}
_FIRST_WINDOWS_11 = 22000
_KNOWN = WELL_KNOWN


def make_bcd(
    generation: int,
    *,
    system_partition: Partition,
    windows_partition: Partition,
    recovery: bool = False,
    recovery_partition: Partition | None = None,
    build: str = "20348.2227",
    title: str = "",
    locale: str = "en-US",
    seed: int = 0,
) -> bytes:
    """The store of a freshly installed Windows; the same arguments give the same bytes.

    `generation` 1 is BIOS (winload.exe), 2 is UEFI (winload.efi). `recovery` adds Windows RE, as a RAM
    disk out of `recovery_partition` (the Windows partition where none is given).
    """
    maker = _StoreMaker(generation, build, locale, seed)
    maker.settings()
    maker.boot_manager(system_partition)
    maker.windows(windows_partition, title or _title(build), recovery)
    if recovery:
        maker.recovery(recovery_partition or windows_partition)
    return maker.finish()


class _StoreMaker:
    """Objects added one after the other to an empty store; their ids come from one clock, as Windows' do."""

    def __init__(self, generation: int, build: str, locale: str, seed: int) -> None:
        chance = random.Random(f"bcd {generation} {build} {locale} {seed}")
        self._uefi = generation == _UEFI
        self._server = _build_number(build) in _SERVERS
        self._locale = locale
        self._clock_sequence, self._node = chance.getrandbits(14), chance.getrandbits(48) | 1 << 40
        self._moment = _SETUP_DAY + chance.randrange(10**13)
        ticks = self._moment + 5_748_192_000_000_000  # to the Gregorian calendar's first day, 100 ns units
        self._ids = (self._id(ticks + step) for step in range(100))
        self._default, self._resume = next(self._ids), next(self._ids)
        self._recovery, self._ramdisk = next(self._ids), next(self._ids)
        self._editor = StoreEditor(self._empty(), "BCD")

    def _id(self, ticks: int) -> UUID:
        high = 0x1000 | ticks >> 48 & 0xFFF
        sequence = self._clock_sequence
        fields = (ticks & 0xFFFFFFFF, ticks >> 32 & 0xFFFF, high, 0x80 | sequence >> 8, sequence & 0xFF, self._node)
        return UUID(fields=fields)

    def _empty(self) -> bytes:
        place = r"\EFI\Microsoft\Boot\BCD" if self._uefi else r"\Boot\BCD"
        hive = HiveEditor(new_hive("NewStoreRoot", minor=3, file_name=place), "BCD")
        one = struct.pack("<I", 1)
        guids = struct.pack("<QIH", self._moment, 9999, self._clock_sequence)
        hive.create_key("Description")
        hive.set_value("Description", "KeyName", ValueType.SZ, sz("BCD00000000"))
        hive.set_value("Description", "System", ValueType.DWORD, one)
        hive.set_value("Description", "TreatAsSystem", ValueType.DWORD, one)
        hive.set_value("Description", "GuidCache", ValueType.BINARY, guids + self._node.to_bytes(6, "big") + bytes(4))
        hive.create_key("Objects")
        return hive.finish(self._moment)

    def finish(self) -> bytes:
        return self._editor.finish(self._moment)

    def _add(self, object_id: UUID, object_type: int, elements: Mapping[str, Value]) -> None:
        """`elements` by bcdedit's names, in any order."""
        self._editor.create_object(object_id, object_type)
        for name, value in elements.items():
            number = element_id(name, object_type)
            assert number is not None, name
            self._editor.set(object_id, number, value)

    def settings(self) -> None:
        """The objects that others inherit from; the same on every machine."""
        everywhere = [_KNOWN["dbgsettings"], _KNOWN["emssettings"], _KNOWN["badmemory"]]
        debugger = {"hypervisordebugtype": 0, "hypervisordebugport": 1, "hypervisorbaudrate": 115200}
        for_loaders = [_KNOWN["globalsettings"], _KNOWN["hypervisorsettings"]]
        self._add(_KNOWN["emssettings"], ObjectType.SETTINGS, {"bootems": False})
        self._add(_KNOWN["dbgsettings"], ObjectType.SETTINGS, {"debugtype": 4})
        self._add(_KNOWN["badmemory"], ObjectType.SETTINGS, {})
        self._add(_KNOWN["globalsettings"], ObjectType.SETTINGS, {"inherit": everywhere})
        self._add(_KNOWN["hypervisorsettings"], ObjectType.LOADER_SETTINGS, debugger)
        self._add(_KNOWN["bootloadersettings"], ObjectType.LOADER_SETTINGS, {"inherit": for_loaders})
        self._add(_KNOWN["resumeloadersettings"], ObjectType.RESUME_SETTINGS, {"inherit": [_KNOWN["globalsettings"]]})

    def boot_manager(self, place: Partition) -> None:
        """The boot manager, the memory test beside it, and on UEFI the firmware's menu."""
        manager: dict[str, Value] = {
            "device": place,
            "description": "Windows Boot Manager",
            "locale": self._locale,
            "inherit": [_KNOWN["globalsettings"]],
            "default": self._default,
            "resumeobject": self._resume,
            "displayorder": [self._default],
            "toolsdisplayorder": [_KNOWN["memdiag"]],
            "timeout": 30,
        }
        memory_test: dict[str, Value] = {
            "device": place,
            "path": r"\EFI\Microsoft\Boot\memtest.efi" if self._uefi else r"\boot\memtest.exe",
            "description": "Windows Memory Diagnostic",
            "locale": self._locale,
            "inherit": [_KNOWN["globalsettings"]],
            "badmemoryaccess": True,
        }
        if self._uefi:
            # Real BIOS stores have no path here: the boot sector finds bootmgr by itself.
            manager["path"] = r"\EFI\Microsoft\Boot\bootmgfw.efi"
            firmware: dict[str, Value] = {"displayorder": [_KNOWN["bootmgr"]], "timeout": 0}
            self._add(_KNOWN["fwbootmgr"], ObjectType.FIRMWARE_BOOT_MANAGER, firmware)
        self._add(_KNOWN["bootmgr"], ObjectType.BOOT_MANAGER, manager)
        self._add(_KNOWN["memdiag"], ObjectType.MEMORY_TEST, memory_test)

    def windows(self, place: Partition, title: str, recovery: bool) -> None:
        """The default entry, and the object that resumes it from hibernation."""
        suffix = "efi" if self._uefi else "exe"
        both: dict[str, Value] = {
            "device": place,
            "locale": self._locale,
            "recoveryenabled": recovery,
            "allowedinmemorysettings": [0x15000075],
        }
        if self._uefi:
            both["isolatedcontext"] = True
        if recovery:
            both["recoverysequence"] = [self._recovery]
        loader: dict[str, Value] = {
            "path": rf"\Windows\system32\winload.{suffix}",
            "description": title,
            "inherit": [_KNOWN["bootloadersettings"]],
            "osdevice": place,
            "systemroot": r"\Windows",
            "resumeobject": self._resume,
            "nx": 1 if self._server else 0,
            "bootmenupolicy": 1,
        }
        if recovery:
            loader["displaymessageoverride"] = 3
        resume: dict[str, Value] = {
            "path": rf"\Windows\system32\winresume.{suffix}",
            "description": "Windows Resume Application",
            "inherit": [_KNOWN["resumeloadersettings"]],
            "filedevice": place,
            "filepath": r"\hiberfil.sys",
            "bootmenupolicy": 1,
            "debugoptionenabled": False,
        }
        self._add(self._default, ObjectType.OS_LOADER, both | loader)
        self._add(self._resume, ObjectType.RESUME, both | resume)

    def recovery(self, place: Partition) -> None:
        """Windows RE: a loader in a RAM disk, and that RAM disk's options."""
        image = RamdiskDevice(place, r"\Recovery\WindowsRE\Winre.wim", options=self._ramdisk)
        loader: dict[str, Value] = {
            "device": image,
            "path": rf"\windows\system32\winload.{'efi' if self._uefi else 'exe'}",
            "description": "Windows Recovery Environment",
            "locale": self._locale,
            "inherit": [_KNOWN["bootloadersettings"]],
            "displaymessage": 3,
            "osdevice": image,
            "systemroot": r"\windows",
            "nx": 0,
            "bootmenupolicy": 1,
            "winpe": True,
            "recoveryos": True,
        }
        options: dict[str, Value] = {
            "description": "Windows Recovery",
            "ramdisksdidevice": place,
            "ramdisksdipath": r"\Recovery\WindowsRE\boot.sdi",
        }
        self._add(self._recovery, ObjectType.OS_LOADER, loader)
        self._add(self._ramdisk, ObjectType.DEVICE, options)


def _build_number(build: str) -> int:
    return int(build.split(".", maxsplit=1)[0])


def _title(build: str) -> str:
    number = _build_number(build)
    return _SERVERS.get(number) or ("Windows 11" if number >= _FIRST_WINDOWS_11 else "Windows 10")


__all__ = ["make_bcd", "retarget"]
