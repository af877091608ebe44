"""BCD device elements as bytes, both ways.

Layout, little-endian. Boot, partition and RAM disk are measured on 287 elements of 31 real stores; file,
locate and VHD stand in none of them: those follow public descriptions and the lengths of real elements.

    element     16 options GUID, then a descriptor
    descriptor  u32 type, u32 flags, u32 size (of the whole descriptor), u32 0, then by type:
      5 boot      56 zeros
      6 partition 16 GPT partition GUID, or u64 byte offset and 8 zeros; disk; 16 zeros
      0 disk      disk
      8 locate    u32 0 by element | 1 by path, u32 element id, u32 offset of the parent descriptor (0: none)
                  from the start of this one, path, parent. Nothing is aligned.
    disk        24 bytes: u32 kind, 20 bytes by kind:
      0 hard disk   u32 0 GPT | 1 MBR, 16 disk GUID or u32 signature and 12 zeros
      3 RAM disk    u64 base, u64 size, u32 offset; then a file (flags of the descriptor: 1)
      5 file        the file begins right after the kind: no 20 bytes
      6 VHD         20 zeros; then the descriptor of the file device (also in a partition: no 16 zeros then)
    file        u32 version 1, u32 length (of all of it), u32 5, descriptor of the parent, path
    path        UTF-16 with its NUL

Whatever is read is written back exactly: bytes at places not named here are kept in `stray`.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from uuid import UUID

from bootmend.binary import View
from bootmend.errors import Misuse
from bootmend.formats.bcd.devices import (
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

_HEAD = struct.Struct("<IIII")
_DISK, _BOOT, _PARTITION, _LOCATE = 0, 5, 6, 8
_HARD_DISK, _RAMDISK, _FILE, _VHD = 0, 3, 5, 6
_GPT, _MBR = 0, 1
_BY_ELEMENT, _BY_PATH = 0, 1
_DEEPEST = 8
"""Descriptors in each other; a RAM disk in a VHD file on a partition has 4."""
_NO_OPTIONS = UUID(int=0)


def decode_device(raw: bytes, file: str) -> Device:
    """The device in the raw bytes of an element; sizes, offsets and depth are checked (ParseError)."""
    view = View(raw, file)
    options = view.guid(0, "a device element of at least 32 bytes")
    device = _decode(view.sub(16, len(view) - 16), 1)
    if options != _NO_OPTIONS:
        device = replace(device, options=options)
    plain = encode_device(device)
    if len(plain) > len(raw):
        # Shorter than Windows writes it (a boot device without its zeros): exact only as unknown bytes.
        kind, flags, size = view.u32(16), view.u32(20), view.u32(24)
        device = UnknownDevice(kind, flags, view.bytes(32, size - _HEAD.size), options=device.options)
        plain = encode_device(device)
    return device if plain == raw else replace(device, stray=_xor(raw, plain))


def encode_device(device: Device) -> bytes:
    """The raw bytes of an element; `decode_device` gives the same device back."""
    plain = (device.options or _NO_OPTIONS).bytes_le + _encode(device)
    return _xor(plain, device.stray)


def _xor(one: bytes, other: bytes) -> bytes:
    width = max(len(one), len(other))
    mixed = int.from_bytes(one.ljust(width, b"\0"), "little") ^ int.from_bytes(other.ljust(width, b"\0"), "little")
    return mixed.to_bytes(width, "little")


def _decode(view: View, depth: int) -> Device:
    """The descriptor that begins the view; bytes after its end belong to whatever holds it."""
    if depth > _DEEPEST:
        raise view.fail(0, f"at most {_DEEPEST} devices in each other")
    kind, flags = view.u32(0, "a device type"), view.u32(4, "device flags")
    size = view.u32(8, "a device size")
    if not _HEAD.size <= size <= len(view):
        raise view.fail(8, f"a device size from 16 to {len(view)}", str(size))
    body = view.sub(0, size)
    device: Device | None = None
    if kind == _BOOT:
        device = BootDevice()
    elif kind == _PARTITION:
        device = _decode_partition(body, depth)
    elif kind == _DISK:
        device = _decode_disk(body, depth)
    elif kind == _LOCATE:
        device = _decode_locate(body, depth)
    return device or UnknownDevice(kind, flags, body.bytes(_HEAD.size, size - _HEAD.size))


def _decode_partition(view: View, depth: int) -> Device | None:
    disk_kind = view.u32(0x20, "the kind of a partition's disk")
    if disk_kind == _VHD:
        offset, upper = view.u64(0x10), view.u64(0x18)
        return VhdPartition(view.guid(0x10) if upper else offset, _decode(view.sub(0x38, len(view) - 0x38), depth + 1))
    table = view.u32(0x24, "the kind of a partition table")
    if disk_kind == _HARD_DISK and table == _GPT:
        return GptPartition(view.guid(0x10), view.guid(0x28, "a disk GUID"))
    if disk_kind == _HARD_DISK and table == _MBR:
        return MbrPartition(view.u64(0x10), view.u32(0x28, "a disk signature"))
    return None


def _decode_disk(view: View, depth: int) -> Device | None:
    kind = view.u32(0x10, "the kind of a disk")
    if kind == _FILE:
        return FileDevice(*_decode_file(view, 0x14, depth))
    if kind == _RAMDISK:
        base, size, offset = view.u64(0x14), view.u64(0x1C), view.u32(0x24)
        return RamdiskDevice(*_decode_file(view, 0x28, depth), base, size, offset)
    if kind == _VHD:
        return VirtualDisk(_decode(view.sub(0x28, len(view) - 0x28, "a virtual disk's file"), depth + 1))
    return None


def _decode_file(view: View, start: int, depth: int) -> tuple[Device, str]:
    length = view.u32(start + 4, "the length of a file device")
    whole = view.sub(start, length, f"a file device of {length} bytes")
    parent = _decode(whole.sub(12, len(whole) - 12, "the device of a file"), depth + 1)
    path, _ = _path(whole, 12 + whole.u32(12 + 8))
    return parent, path


def _decode_locate(view: View, depth: int) -> Device | None:
    how, element, parent_offset = view.u32(0x10, "a way to locate"), view.u32(0x14), view.u32(0x18)
    if how not in (_BY_ELEMENT, _BY_PATH):
        return None
    path, end = _path(view, 0x1C)
    if not parent_offset:
        return LocateDevice(element, path)
    if not end <= parent_offset <= len(view) - _HEAD.size:
        raise view.fail(0x18, f"the offset of a parent device from {end} to {len(view) - 16}", str(parent_offset))
    return LocateDevice(element, path, _decode(view.sub(parent_offset, len(view) - parent_offset), depth + 1))


def _path(view: View, start: int) -> tuple[str, int]:
    """The text up to its NUL, and the offset after the NUL."""
    rest = view.bytes(start, len(view) - start, "a path")
    units = memoryview(rest[: len(rest) & ~1]).cast("H")
    length = next((2 * at for at, unit in enumerate(units) if unit == 0), None)
    if length is None:
        raise view.fail(start, "a path that ends with a NUL")
    return view.utf16(start, length), start + length + 2


def _descriptor(kind: int, flags: int, content: bytes) -> bytes:
    return _HEAD.pack(kind, flags, _HEAD.size + len(content), 0) + content


def _encode(device: Device) -> bytes:
    match device:
        case BootDevice():
            return _descriptor(_BOOT, 0, bytes(56))
        case GptPartition():
            disk = struct.pack("<II", _HARD_DISK, _GPT) + device.disk.bytes_le
            return _descriptor(_PARTITION, 0, device.partition.bytes_le + disk + bytes(16))
        case MbrPartition():
            disk = struct.pack("<III12x", _HARD_DISK, _MBR, device.signature)
            return _descriptor(_PARTITION, 0, struct.pack("<Q8x", device.offset) + disk + bytes(16))
        case VhdPartition():
            place = device.partition
            where = place.bytes_le if isinstance(place, UUID) else struct.pack("<Q8x", place)
            return _descriptor(_PARTITION, 0, where + struct.pack("<I20x", _VHD) + _encode(device.file))
        case FileDevice():
            return _descriptor(_DISK, 0, struct.pack("<I", _FILE) + _encode_file(device.parent, device.path))
        case RamdiskDevice():
            memory = struct.pack("<IQQI", _RAMDISK, device.base, device.size, device.offset)
            return _descriptor(_DISK, 1, memory + _encode_file(device.parent, device.path))
        case VirtualDisk():
            return _descriptor(_DISK, 0, struct.pack("<I20x", _VHD) + _encode(device.file))
        case LocateDevice():
            return _encode_locate(device)
        case UnknownDevice():
            return _descriptor(device.kind, device.flags, device.content)


def _encode_file(parent: Device, path: str) -> bytes:
    content = _encode(parent) + _path_bytes(path)
    return struct.pack("<III", 1, 12 + len(content), 5) + content


def _encode_locate(device: LocateDevice) -> bytes:
    path = _path_bytes(device.path)
    how = _BY_PATH if device.path else _BY_ELEMENT
    parent_offset = 0x1C + len(path) if device.parent else 0
    fixed = struct.pack("<III", how, device.element, parent_offset)
    return _descriptor(_LOCATE, 0, fixed + path + (_encode(device.parent) if device.parent else b""))


def _path_bytes(path: str) -> bytes:
    if "\0" in path:
        raise Misuse(f"a device path cannot hold a NUL: {path!r}")
    return path.encode("utf-16-le", "surrogatepass") + b"\0\0"
