"""GPT: a header and an array of entries, each under a CRC, and a second copy of both at the end of the disk.

Source: UEFI specification 2.10, 5.3. Nothing under a wrong CRC is believed: the firmware and
Windows do not believe it either, and a repair must not write where a damaged table points.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from uuid import UUID
from zlib import crc32

from bootmend.binary import View
from bootmend.disk.device import BlockDevice
from bootmend.errors import DeviceError, ParseError
from bootmend.texts import say
from bootmend.volumes.tables.fitting import fit
from bootmend.volumes.tables.partition import (
    ATTRIBUTE_LEGACY_BOOT,
    Flaw,
    Partition,
    PartitionTable,
    Patch,
    TableFault,
)

SIGNATURE = b"EFI PART"
_HEADER_SIZE = 92
_MOST_ENTRY_BYTES = 1 << 20
"""128 entries of 128 bytes are usual; the specification sets no upper bound, so we do."""


@dataclass(frozen=True, slots=True)
class _Copy:
    """One copy of the table whose header and entries are both under a right CRC."""

    sector_size: int
    alternate: int
    """Where the other copy's header stands (LBA)."""
    disk_guid: UUID
    entries: bytes
    entry_size: int
    header: bytes
    lba: int
    usable: tuple[int, int]
    """First and last LBA that a partition may have."""

    def at(self, lba: int, other: int, table: int) -> bytes:
        """The same header as it would stand at `lba`, with its entries at `table`."""
        moved = bytearray(self.header)
        struct.pack_into("<QQ", moved, 24, lba, other)
        struct.pack_into("<Q", moved, 72, table)
        struct.pack_into("<I", moved, 16, 0)
        struct.pack_into("<I", moved, 16, crc32(moved))
        return bytes(moved)


def read_gpt(device: BlockDevice) -> PartitionTable | None:
    """The GPT of `device`, from its backup if the primary is damaged; None where there is no trace of one.

    A raw file does not tell its sector size: the header's place (sector 1) does.
    With both copies damaged the table has no partitions, and its warnings say so.
    """
    sizes = list(dict.fromkeys((device.sector_size, 512, 4096)))
    warnings: list[str] = []
    faults: list[TableFault] = []
    traces: list[str] = []
    for size in sizes:
        try:
            primary = _read_copy(device, size, 1)
        except (ParseError, DeviceError) as error:
            if _signature_at(device, size):
                traces.append(str(error))
            continue
        _check_backup(device, primary, warnings, faults)
        return _table(device, primary, warnings, faults)
    for size in sizes:
        for lba in _backup_places(device, size):
            try:
                backup = _read_copy(device, size, lba)
            except (ParseError, DeviceError):
                continue
            if backup.alternate != 1:  # a partition's own end, or the backup of a disk this one was copied from
                continue
            why = traces[0] if traces else f"{device.name}: at offset {size:#x}: no GPT header"
            warnings.append(say("volumes.gpt_primary_damaged", why=traces[0] if traces else "no header"))
            faults.append(TableFault(Flaw.GPT_PRIMARY, size, why, _primary_again(backup)))
            return _table(device, backup, warnings, faults)
    if not traces:
        return None
    warnings.append(say("volumes.gpt_both_damaged", why=traces[0]))
    return PartitionTable("gpt", "", None, None, sizes[0], [], warnings)


def _signature_at(device: BlockDevice, offset: int) -> bool:
    return offset + 8 <= device.size and device.read(offset, 8) == SIGNATURE


def _backup_places(device: BlockDevice, sector_size: int) -> list[int]:
    """The last sector; and, for a disk that has grown since, where the damaged primary says the backup is."""
    places = [device.size // sector_size - 1]
    if _signature_at(device, sector_size):
        places.append(View(device.read(sector_size, 64), device.name, sector_size).u64(32))
    return [lba for lba in places if 1 < lba < device.size // sector_size]


def _read_copy(device: BlockDevice, sector_size: int, lba: int) -> _Copy:
    at = lba * sector_size
    header = View(device.read(at, sector_size), device.name, at)
    if header.bytes(0, 8) != SIGNATURE:
        raise header.fail(0, "the GPT signature 'EFI PART'")
    length = header.u32(12)
    if not _HEADER_SIZE <= length <= sector_size:
        raise header.fail(12, f"a GPT header size from {_HEADER_SIZE} to {sector_size}", str(length))
    own = bytearray(header.bytes(0, length))
    own[16:20] = bytes(4)
    if crc32(own) != header.u32(16):
        raise header.fail(16, f"the GPT header's CRC {crc32(own):#010x}", f"{header.u32(16):#010x}")
    if header.u64(24) != lba:
        raise header.fail(24, f"the GPT header's own place {lba}", str(header.u64(24)))
    count, entry_size = header.u32(80), header.u32(84)
    if entry_size < 128 or entry_size % 8:
        raise header.fail(84, "a GPT entry size of 128 bytes or more", str(entry_size))
    if count * entry_size > _MOST_ENTRY_BYTES:
        raise header.fail(80, f"GPT entries of at most {_MOST_ENTRY_BYTES} bytes", f"{count} of {entry_size} bytes")
    entries = device.read(header.u64(72) * sector_size, count * entry_size)
    if crc32(entries) != header.u32(88):
        raise header.fail(88, f"the GPT entries' CRC {crc32(entries):#010x}", f"{header.u32(88):#010x}")
    usable = (header.u64(40), header.u64(48))
    return _Copy(
        sector_size, header.u64(32), header.guid(56), entries, entry_size, header.bytes(0, length), lba, usable
    )


def _primary_again(backup: _Copy) -> tuple[Patch, ...]:
    """The first copy as the sound backup tells it; nothing where its entries would reach into partitions."""
    size = backup.sector_size
    if backup.usable[0] < 2 + _sectors(backup):
        return ()
    header = backup.at(1, backup.lba, 2)
    return (Patch(size, header, "primary GPT header"), Patch(2 * size, backup.entries, "primary GPT entries"))


def _backup_again(device: BlockDevice, primary: _Copy) -> tuple[Patch, ...]:
    """The backup at the disk's last sector, where the primary says that it is; nothing on a disk that has grown."""
    size, lba = primary.sector_size, primary.alternate
    table = lba - _sectors(primary)
    if lba != device.size // size - 1 or primary.usable[1] >= table:
        return ()
    header = primary.at(lba, 1, table)
    return (
        Patch(table * size, primary.entries, "backup GPT entries"),
        Patch(lba * size, header, "backup GPT header"),
    )


def retyped(device: BlockDevice, sector_size: int, number: int, type_id: UUID) -> tuple[Patch, ...]:
    """What gives partition `number` another type in both copies; nothing where they are not sound and alike."""
    try:
        primary = _read_copy(device, sector_size, 1)
        backup = _read_copy(device, sector_size, primary.alternate)
    except (ParseError, DeviceError):
        return ()
    if backup.entries != primary.entries or number * primary.entry_size > len(primary.entries):
        return ()
    at = (number - 1) * primary.entry_size
    entries = primary.entries[:at] + type_id.bytes_le + primary.entries[at + 16 :]
    patches: list[Patch] = []
    for copy, name in ((primary, "primary"), (backup, "backup")):
        header = bytearray(copy.header)
        table = struct.unpack_from("<Q", header, 72)[0] * sector_size
        struct.pack_into("<I", header, 88, crc32(entries))
        struct.pack_into("<I", header, 16, 0)
        struct.pack_into("<I", header, 16, crc32(header))
        patches.append(Patch(table + at, type_id.bytes_le, f"type of entry {number}, {name} GPT"))
        patches.append(Patch(copy.lba * sector_size, bytes(header), f"{name} GPT header"))
    return tuple(patches)


def _sectors(copy: _Copy) -> int:
    return -(-len(copy.entries) // copy.sector_size)


def _check_backup(device: BlockDevice, primary: _Copy, warnings: list[str], faults: list[TableFault]) -> None:
    try:
        backup = _read_copy(device, primary.sector_size, primary.alternate)
    except (ParseError, DeviceError) as error:
        warnings.append(say("volumes.gpt_backup_damaged", why=str(error)))
        at = primary.alternate * primary.sector_size
        faults.append(TableFault(Flaw.GPT_BACKUP, at, str(error), _backup_again(device, primary)))
        return
    if (backup.disk_guid, backup.entries) != (primary.disk_guid, primary.entries):
        warnings.append(say("volumes.gpt_backup_differs"))
        at = primary.alternate * primary.sector_size
        faults.append(TableFault(Flaw.GPT_DIFFER, at, say("volumes.gpt_backup_differs")))


def _table(device: BlockDevice, copy: _Copy, warnings: list[str], faults: list[TableFault]) -> PartitionTable:
    partitions = []
    for index in range(len(copy.entries) // copy.entry_size):
        at = index * copy.entry_size
        if not any(copy.entries[at : at + 16]):
            continue
        entry = View(copy.entries[at : at + copy.entry_size], device.name, at)
        first, last = entry.u64(32), entry.u64(40)
        if last < first:
            warnings.append(say("volumes.partition_backwards", number=index + 1, first=first, last=last))
            continue
        attributes = entry.u64(48)
        partitions.append(
            Partition(
                number=index + 1,
                start=first * copy.sector_size,
                size=(last - first + 1) * copy.sector_size,
                type_id=f"{{{entry.guid(0)}}}",
                guid=entry.guid(16),
                name=entry.utf16(56, 72).split("\0", 1)[0],
                active=bool(attributes & ATTRIBUTE_LEGACY_BOOT),
                attributes=attributes,
            )
        )
    fitting = fit(partitions, device.size, warnings)
    disk_id = f"{{{copy.disk_guid}}}"
    return PartitionTable("gpt", disk_id, copy.disk_guid, None, copy.sector_size, fitting, warnings, faults)
