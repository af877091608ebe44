"""Devices in bcdedit's words, both ways: `partition=C:`, `boot`, `ramdisk=[C:]\\x.wim,{id}`.

    boot                              the partition the firmware booted from
    partition=C:                      also partition=\\Device\\HarddiskVolume3, hd_partition=...
    locate, locate=custom:12000002    the first partition with the path in that element
    locate=\\Windows\\x               the first partition with that path
    file=[DEVICE]\\path               DEVICE: C:, \\Device\\HarddiskVolume3, boot, locate
    ramdisk=[DEVICE]\\path,{id}       a WIM, with the entry that holds its options
    vhd=[DEVICE]\\path,locate=custom:22000002   the partition of a VHD where the path in that element is

"bcdedit /? FORMATS" of Windows, and "BCDEdit /set". What is written for partition, boot and RAM disk was
measured on real stores; locate, file and VHD follow public descriptions (formats/bcd/device_bytes.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import UUID

from bootmend.commands.bcdedit.identifiers import did_you_mean
from bootmend.commands.bcdedit.partitions import Partitions
from bootmend.errors import Misuse
from bootmend.formats.bcd import (
    BootDevice,
    Device,
    FileDevice,
    GptPartition,
    LocateDevice,
    MbrPartition,
    RamdiskDevice,
    UnknownDevice,
    VhdPartition,
    VirtualDisk,
)
from bootmend.texts import say

PATH_OF_APPLICATION, SYSTEM_ROOT = 0x12000002, 0x22000002
_OS_DEVICE = 0x21000001
_ON = re.compile(r"\[([^\[\]]+)\](\\[^,]*)(?:,(.*))?")
_CUSTOM = re.compile(r"locate=custom:(?:0x)?([0-9a-f]{8})", re.IGNORECASE)
_KINDS = ("boot", "partition", "hd_partition", "locate", "file", "ramdisk", "vhd")


def read_device(word: str, element: int, partitions: Partitions, resolve: Callable[[str], UUID]) -> Device:
    """The device a word means for that element. Misuse names what is wrong with it."""
    kind, equals, rest = word.partition("=")
    kind = kind.lower()
    if kind == "boot" and not equals:
        return BootDevice()
    if kind in ("partition", "hd_partition") and rest:
        return partitions.device(rest)
    if kind == "locate":
        return _locate(word, rest, element)
    match = _ON.fullmatch(rest)
    if kind in ("file", "ramdisk", "vhd"):
        if match is None:
            raise Misuse(say("bcdedit.bad_file_device", word=word, kind=kind))
        parent, path, tail = _parent(match.group(1), element, partitions), match.group(2), match.group(3)
        if kind == "file" and tail is None:
            return FileDevice(parent, path)
        if kind == "ramdisk":
            return RamdiskDevice(parent, path, options=resolve(tail) if tail else None)
        if kind == "vhd":
            return LocateDevice(_located_by(tail, element, word), "", VirtualDisk(FileDevice(parent, path)))
    near = did_you_mean(kind, _KINDS)
    raise Misuse(say("bcdedit.bad_device", word=word, known=", ".join(_KINDS), meant=near))


def show_device(device: Device, partitions: Partitions, name: Callable[[UUID], str]) -> str:
    """As bcdedit lists it; `name` shows an entry's id."""
    options = f",{name(device.options)}" if device.options else ""
    match device:
        case BootDevice():
            shown = "boot"
        case GptPartition() | MbrPartition():
            partition = partitions.name(device)
            shown = partition if partition == "unknown" else f"partition={partition}"
        case FileDevice():
            shown = f"file={_inside(device.parent, device.path, partitions, name)}"
        case RamdiskDevice():
            shown = f"ramdisk={_inside(device.parent, device.path, partitions, name)}"
        case LocateDevice(parent=VirtualDisk(file=FileDevice() as file)):
            shown = f"vhd={_inside(file.parent, file.path, partitions, name)},locate={_by(device)}"
        case LocateDevice(parent=None):
            shown = f"locate={_by(device)}"
        case LocateDevice():
            shown = f"locate=[{_bare(device.parent, partitions, name)}]{_by(device)}"
        case VirtualDisk(file=FileDevice() as file) | VhdPartition(file=FileDevice() as file):
            shown = f"vhd={_inside(file.parent, file.path, partitions, name)}"
        case UnknownDevice() | VirtualDisk() | VhdPartition():
            shown = "unknown"
    return shown + options


def _locate(word: str, rest: str, element: int) -> Device:
    if word.lower() == "locate":
        return LocateDevice(_located_by(None, element, word))
    if _CUSTOM.fullmatch(word):
        return LocateDevice(_located_by(word, element, word))
    if rest.startswith("\\"):
        return LocateDevice(0, rest)
    raise Misuse(say("bcdedit.bad_locate", word=word))


def _located_by(tail: str | None, element: int, word: str) -> int:
    """The element whose path tells the partition: named, or the one that goes with the device."""
    if tail is None:
        return SYSTEM_ROOT if element == _OS_DEVICE else PATH_OF_APPLICATION
    match = _CUSTOM.fullmatch(tail)
    if match is None:
        raise Misuse(say("bcdedit.bad_locate", word=word))
    return int(match.group(1), 16)


def _parent(word: str, element: int, partitions: Partitions) -> Device:
    if word.lower() == "boot":
        return BootDevice()
    if word.lower() == "locate":
        return LocateDevice(_located_by(None, element, word))
    return partitions.device(word)


def _by(device: LocateDevice) -> str:
    return device.path or f"custom:{device.element:08x}"


def _inside(parent: Device, path: str, partitions: Partitions, name: Callable[[UUID], str]) -> str:
    return f"[{_bare(parent, partitions, name)}]{path}"


def _bare(device: Device | None, partitions: Partitions, name: Callable[[UUID], str]) -> str:
    """A device in brackets, where bcdedit leaves `partition=` out."""
    if device is None:
        return "unknown"
    if isinstance(device, LocateDevice) and not device.path and device.parent is None:
        return "locate"
    return show_device(device, partitions, name).removeprefix("partition=")
