"""New partition tables on a fresh disk, for the lab's disks.

Nothing of an older table is kept; the partitions' own bytes are not touched.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from uuid import UUID, uuid5
from zlib import crc32

from bootmend.disk.device import BlockDevice
from bootmend.errors import Misuse
from bootmend.volumes.tables.gpt import SIGNATURE
from bootmend.volumes.tables.mbr import Slot
from bootmend.volumes.tables.partition import Partition

_BOOT_CODE = bytes.fromhex("cd18f4ebfd")
"""int 0x18 (tell the BIOS that this disk does not boot), then hlt for ever: enough for a table to be a table."""
_WORDS = (b"Invalid partition table\0", b"Error loading operating system\0", b"Missing operating system\0")
_WORDS_AT = 0x163
"""What the boot code of a disk that Windows has partitioned says, where it says it, and the places of the three."""

_ENTRIES, _ENTRY_SIZE = 128, 128
_LBA_ONLY = b"\xfe\xff\xff"
"""The cylinder, head and sector of an address that only the LBA fields can tell."""


def write_mbr(device: BlockDevice, signature: int, partitions: Sequence[Partition], sector_size: int = 512) -> None:
    """At most four partitions, numbers 1 to 4; `type_id` is ``0x07`` and the like."""
    _check(partitions, sector_size, 4, range(sector_size, device.size))
    record = bytearray(512)
    record[: len(_BOOT_CODE)] = _BOOT_CODE
    at = _WORDS_AT
    for number, words in enumerate(_WORDS):
        record[at : at + len(words)] = words
        record[0x1B5 + number] = at - 0x100
        at += len(words)
    struct.pack_into("<I", record, 440, signature)
    for partition in partitions:
        first, count = partition.start // sector_size, partition.size // sector_size
        if first + count > 0xFFFFFFFF:
            raise Misuse(f"partition {partition.number} ends past what an MBR can say")
        status = 0x80 if partition.active else 0
        _put_slot(record, partition.number, Slot(status, int(partition.type_id, 16), first, count))
    record[510:] = b"\x55\xaa"
    device.write(0, bytes(record))


def write_gpt(device: BlockDevice, disk_guid: UUID, partitions: Sequence[Partition], sector_size: int = 0) -> None:
    """Protective MBR, and both copies; `sector_size` 0 takes the device's. A partition without a GUID gets one
    made from the disk's and its number, so that the same disk grows the same bytes."""
    size = sector_size or device.sector_size
    table_sectors = _ENTRIES * _ENTRY_SIZE // size
    sectors = device.size // size
    first, last = 2 + table_sectors, sectors - 2 - table_sectors
    _check(partitions, size, _ENTRIES, range(first * size, (last + 1) * size))
    entries = bytearray(_ENTRIES * _ENTRY_SIZE)
    for partition in partitions:
        at = (partition.number - 1) * _ENTRY_SIZE
        guid = partition.guid or uuid5(disk_guid, str(partition.number))
        entries[at : at + 16] = UUID(partition.type_id).bytes_le
        entries[at + 16 : at + 32] = guid.bytes_le
        start = partition.start // size
        struct.pack_into("<QQQ", entries, at + 32, start, start + partition.size // size - 1, partition.attributes)
        name = partition.name.encode("utf-16-le")
        if len(name) > 72:
            raise Misuse(f"the name of partition {partition.number} is longer than 36 characters")
        entries[at + 56 : at + 56 + len(name)] = name

    def header(own: int, other: int, table: int) -> bytes:
        fields = (own, other, first, last, disk_guid.bytes_le, table, _ENTRIES, _ENTRY_SIZE, crc32(entries))
        packed = bytearray(struct.pack("<8sIIIIQQQQ16sQIII", SIGNATURE, 0x10000, 92, 0, 0, *fields))
        struct.pack_into("<I", packed, 16, crc32(packed))
        return bytes(packed).ljust(size, b"\0")

    record = bytearray(512)
    _put_slot(record, 1, Slot(0, 0xEE, 1, min(sectors - 1, 0xFFFFFFFF)))
    record[510:] = b"\x55\xaa"
    device.write(0, bytes(record).ljust(size, b"\0"))
    device.write(size, header(1, sectors - 1, 2) + bytes(entries))
    device.write(
        (sectors - 1 - table_sectors) * size, bytes(entries) + header(sectors - 1, 1, sectors - 1 - table_sectors)
    )


def _put_slot(record: bytearray, number: int, slot: Slot) -> None:
    packed = struct.pack("<B3sB3sII", slot.status, _LBA_ONLY, slot.type, _LBA_ONLY, slot.first, slot.count)
    record[446 + 16 * (number - 1) : 462 + 16 * (number - 1)] = packed


def _check(partitions: Sequence[Partition], sector_size: int, most: int, room: range) -> None:
    """Numbers, alignment to sectors, place inside `room` (bytes), no overlap: else Misuse."""
    numbers = [partition.number for partition in partitions]
    if len(set(numbers)) != len(numbers) or not all(1 <= number <= most for number in numbers):
        raise Misuse(f"partition numbers must differ and be from 1 to {most}")
    reached = room.start
    for partition in sorted(partitions, key=lambda one: one.start):
        if partition.start % sector_size or partition.size % sector_size or partition.size <= 0:
            raise Misuse(f"partition {partition.number} is not made of whole sectors of {sector_size} bytes")
        if partition.start < reached or partition.start + partition.size > room.stop:
            raise Misuse(f"partition {partition.number} is outside the disk's room or overlaps another")
        reached = partition.start + partition.size
