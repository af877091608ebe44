"""BCD stores for lab disks, as Windows setup leaves them (`retarget`, beside it, fits a real one)."""

from __future__ import annotations

import random
from uuid import UUID

from bootmend.formats.bcd import WELL_KNOWN, ObjectType, Partition, RamdiskDevice, Value
from bootmend.formats.bcd.fresh import (
    Installation,
    NewObject,
    manager_objects,
    new_store,
    settings_objects,
    time_id,
    windows_objects,
)
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
    chance = random.Random(f"bcd {generation} {build} {locale} {seed}")
    clock_sequence, node = chance.getrandbits(14), chance.getrandbits(48) | 1 << 40
    moment = _SETUP_DAY + chance.randrange(10**13)
    ticks = moment + 5_748_192_000_000_000  # to the Gregorian calendar's first day, 100 ns units
    entry, resume, recovery_entry, ramdisk = (time_id(ticks + step, clock_sequence, node) for step in range(4))
    uefi = generation == _UEFI
    windows = Installation(
        uefi=uefi,
        place=windows_partition,
        folder="\\Windows",
        title=title or _title(build),
        locale=locale,
        server=_build_number(build) in _SERVERS,
    )
    objects = [
        *settings_objects(),
        *manager_objects(uefi=uefi, place=system_partition, locale=locale, default=entry, resume=resume),
        *windows_objects(windows, entry=entry, resume=resume, recovery=recovery_entry if recovery else None),
    ]
    if recovery:
        objects += _recovery(recovery_partition or windows_partition, uefi, locale, recovery_entry, ramdisk)
    path = r"\EFI\Microsoft\Boot\BCD" if uefi else r"\Boot\BCD"
    return new_store(objects, path=path, moment=moment, clock_sequence=clock_sequence, node=node)


def _recovery(place: Partition, uefi: bool, locale: str, entry: UUID, ramdisk: UUID) -> list[NewObject]:
    """Windows RE: a loader in a RAM disk, and that RAM disk's options."""
    image = RamdiskDevice(place, r"\Recovery\WindowsRE\Winre.wim", options=ramdisk)
    loader: dict[str, Value] = {
        "device": image,
        "path": rf"\windows\system32\winload.{'efi' if uefi else 'exe'}",
        "description": "Windows Recovery Environment",
        "locale": locale,
        "inherit": [WELL_KNOWN["bootloadersettings"]],
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
    return [NewObject(entry, ObjectType.OS_LOADER, loader), NewObject(ramdisk, ObjectType.DEVICE, options)]


def _build_number(build: str) -> int:
    return int(build.split(".", maxsplit=1)[0])


def _title(build: str) -> str:
    number = _build_number(build)
    return _SERVERS.get(number) or ("Windows 11" if number >= _FIRST_WINDOWS_11 else "Windows 10")


__all__ = ["make_bcd", "retarget"]
