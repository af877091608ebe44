"""What a partition holds: a Volume, or why there is none to read.

NTFS, FAT        -> Volume
BitLocker        -> Locked
everything else  -> Unknown, by name where it has one
"""

from __future__ import annotations

from dataclasses import dataclass

from bootmend.disk.device import BlockDevice
from bootmend.errors import ParseError
from bootmend.texts import say
from bootmend.volumes.bitlocker import read_bitlocker
from bootmend.volumes.fat import FatVolume, is_fat
from bootmend.volumes.fat.bootsector import read_geometry
from bootmend.volumes.fat.spare import find_fat_spare
from bootmend.volumes.ntfs import NtfsVolume, is_ntfs
from bootmend.volumes.ntfs.boot import read_boot
from bootmend.volumes.ntfs.spare import find_spare
from bootmend.volumes.volume import Volume

_HEAD = 68 << 10
_SIGNATURES = (
    (3, b"ReFS\0\0\0\0", "ReFS"),
    (3, b"EXFAT   ", "exFAT"),
    (0x438, b"\x53\xef", "ext2, ext3 or ext4"),
    (0, b"XFSB", "XFS"),
    (0x10040, b"_BHRfS_M", "Btrfs"),
    (0, b"LUKS\xba\xbe", "LUKS"),
    (0x200, b"LABELONE", "LVM"),
    (0xFF6, b"SWAPSPACE2", "Linux swap"),
    (0x8001, b"CD001", "ISO 9660"),
    (32, b"NXSB", "APFS"),
    (0x400, b"H+\0\4", "HFS+"),
)
"""Offset in bytes, what stands there, what it is."""


@dataclass(frozen=True, slots=True)
class Locked:
    """An encrypted volume; its key is not ours to have."""

    kind: str
    """bitlocker."""
    version: str = ""
    protectors: tuple[str, ...] = ()
    suspended: bool = False
    """A clear key stands on the volume: Windows starts without asking for one."""


@dataclass(frozen=True, slots=True)
class Unknown:
    what: str
    """The file system's name, or a word for nothing that is known."""


def _with_boot(device: BlockDevice, name: str) -> BlockDevice:
    """The volume as it is, or by the copy of its boot sector where that one cannot be read and its copy can."""
    try:
        read_boot(device, name)
    except ParseError:
        spare = find_spare(device, name)
        if spare is None:
            raise
        return spare
    return device


def _with_fat_boot(device: BlockDevice, name: str) -> BlockDevice:
    try:
        read_geometry(device, name)
    except ParseError:
        spare = find_fat_spare(device, name)
        if spare is None:
            raise
        return spare
    return device


def open_volume(device: BlockDevice, name: str, writable: bool = False) -> Volume | Locked | Unknown:
    """Raises ParseError where the volume is NTFS or FAT by name, but broken."""
    head = device.read(0, min(_HEAD, device.size))
    bitlocker = read_bitlocker(device, name)
    if bitlocker is not None:
        return Locked("bitlocker", bitlocker.version, bitlocker.protectors, bitlocker.suspended)
    if is_ntfs(head):
        return NtfsVolume(_with_boot(device, name), name, writable)
    if is_fat(head[:512]):
        return FatVolume(_with_fat_boot(device, name), name)
    for offset, magic, what in _SIGNATURES:
        if head[offset : offset + len(magic)] == magic:
            return Unknown(what)
    fat = find_fat_spare(device, name)
    if fat is not None:
        return FatVolume(fat, name)
    spare = find_spare(device, name)
    if spare is not None:
        return NtfsVolume(spare, name, writable)
    return Unknown(say("volumes.empty") if head.count(0) == len(head) else say("volumes.unknown"))
