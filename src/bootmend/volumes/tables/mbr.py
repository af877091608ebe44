"""MBR: four slots in sector 0, and logical partitions in a chain of tables inside an extended one.

The disk signature (offset 440) is what Windows and a BCD store call the disk by. Addresses
are in sectors, and no field tells how large a sector is: what stands where the addresses
point to decides between 512 and 4096 bytes.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import Enum

from bootmend.binary import View
from bootmend.disk.device import BlockDevice
from bootmend.texts import say
from bootmend.volumes.probe import file_system
from bootmend.volumes.tables.fitting import fit
from bootmend.volumes.tables.partition import Flaw, Partition, PartitionTable, Patch, TableFault

_EXTENDED = (0x05, 0x0F, 0x85)
_PROTECTIVE = 0xEE
_MOST_LOGICAL = 256
"""A bound on the chain; Windows stops at far fewer (drive letters)."""
SIGNATURE_PATCH = Patch(510, b"\x55\xaa", "boot signature 55 AA")
_MESSAGES = (0x1B5, 0x1B6, 0x1B7)
"""Where Microsoft's boot code keeps the places of its three messages, counted from byte 0x100."""
_STANDARD_WORDS = (b"Invalid partition table", b"Missing operating system", b"Error loading operating system")


class BootCode(Enum):
    """What stands in sector 0 before the table."""

    NONE = "none"
    """One byte over and over: wiped, or never written."""
    STANDARD = "standard"
    """Starts the partition that is marked active, as Windows' own and its likes do."""
    OTHER = "other"
    """Some other loader's (GRUB, a boot manager): it goes by rules of its own."""


def boot_code(sector: bytes) -> BootCode:
    """Of the first 512 bytes of a disk."""
    code = sector[:440]
    if len(set(code)) == 1:
        return BootCode.NONE
    if any(words in code for words in _STANDARD_WORDS):
        return BootCode.STANDARD
    # In other languages the words differ: their places are written beside the disk's signature.
    places = [0x100 + sector[at] for at in _MESSAGES]
    told = all(at < 440 and chr(code[at]).isalpha() for at in places)
    return BootCode.STANDARD if told and places == sorted(set(places)) else BootCode.OTHER


def protective_entry(sectors: int) -> bytes:
    """The table of a protective MBR, and its signature: 66 bytes from offset 446, for a disk of that many sectors."""
    count = min(sectors - 1, 0xFFFFFFFF)
    return struct.pack("<B3sB3sII", 0, b"\0\2\0", _PROTECTIVE, b"\xff\xff\xff", 1, count) + bytes(48) + b"\x55\xaa"


@dataclass(frozen=True, slots=True)
class Slot:
    """One of the four entries; `first` and `count` in sectors."""

    status: int
    type: int
    first: int
    count: int

    @property
    def used(self) -> bool:
        return self.type != 0 and self.count != 0

    @property
    def extended(self) -> bool:
        return self.type in _EXTENDED


@dataclass(frozen=True, slots=True)
class BootRecord:
    """Sector 0, or the sector of one link of the chain."""

    signature: int
    signed: bool
    """It ends in 55 AA."""
    slots: tuple[Slot, ...]

    @property
    def plausible(self) -> bool:
        """Boot flags are 00 or 80 in every slot, as the kernels of Linux and Windows demand."""
        return all(slot.status in (0x00, 0x80) for slot in self.slots)

    @property
    def protective(self) -> bool:
        return any(slot.type == _PROTECTIVE for slot in self.slots)

    @property
    def used(self) -> bool:
        return any(slot.used for slot in self.slots)


def read_boot_record(device: BlockDevice, offset: int = 0) -> BootRecord:
    """The 512 bytes at `offset` as a boot record, whatever they hold."""
    sector = View(device.read(offset, 512), device.name, offset)
    places = range(446, 510, 16)
    slots = tuple(Slot(sector.u8(at), sector.u8(at + 4), sector.u32(at + 8), sector.u32(at + 12)) for at in places)
    return BootRecord(sector.u32(440), sector.bytes(510, 2) == b"\x55\xaa", slots)


def witnesses(device: BlockDevice, record: BootRecord, sector_size: int) -> int:
    """How many slots point, in sectors of this size, to a file system or to a table of logical partitions."""
    seen = 0
    for slot in record.slots:
        at = slot.first * sector_size
        if not slot.used or at == 0 or at + 512 > device.size:
            continue
        if slot.extended:
            seen += read_boot_record(device, at).signed
        else:
            seen += file_system(device.read(at, 512)) != ""
    return seen


def read_mbr(device: BlockDevice, record: BootRecord) -> PartitionTable:
    """The partitions that `record`, read from sector 0, leads to."""
    sizes = dict.fromkeys((device.sector_size, 512, 4096))
    sector_size = max(sizes, key=lambda size: witnesses(device, record, size))  # the first of equals
    warnings: list[str] = []
    faults: list[TableFault] = []
    if not record.signed:
        warnings.append(say("volumes.mbr_unsigned"))
        faults.append(TableFault(Flaw.MBR_UNSIGNED, 510, say("volumes.mbr_unsigned"), (SIGNATURE_PATCH,)))
    partitions: list[Partition] = []
    logical: list[Partition] = []
    for number, slot in enumerate(record.slots, 1):
        if not slot.used or slot.type == _PROTECTIVE:
            continue
        if slot.extended:
            logical += _logical(device, slot, sector_size, 5 + len(logical), warnings)
        else:
            partitions.append(_partition(number, slot, 0, sector_size))
    fitting = fit(partitions + logical, device.size, warnings)
    disk_id = f"0x{record.signature:08x}"
    return PartitionTable("mbr", disk_id, None, record.signature, sector_size, fitting, warnings, faults)


def _partition(number: int, slot: Slot, base: int, sector_size: int) -> Partition:
    """`base`, in sectors, is what a logical partition's address counts from."""
    return Partition(
        number=number,
        start=(base + slot.first) * sector_size,
        size=slot.count * sector_size,
        type_id=f"0x{slot.type:02x}",
        active=slot.status == 0x80,
    )


def _logical(
    device: BlockDevice, container: Slot, sector_size: int, number: int, warnings: list[str]
) -> list[Partition]:
    """Follows the chain: slot 0 counts from its own table, slot 1 (the next table) from the container."""
    found: list[Partition] = []
    seen: set[int] = set()
    at = container.first
    while True:
        if at in seen or len(seen) >= _MOST_LOGICAL:
            warnings.append(say("volumes.chain_loops", sector=at))
            return found
        seen.add(at)
        if at * sector_size + 512 > device.size:
            warnings.append(say("volumes.chain_outside", sector=at))
            return found
        record = read_boot_record(device, at * sector_size)
        if not record.signed:
            warnings.append(say("volumes.chain_unsigned", sector=at))
            return found
        own, following = record.slots[:2]
        if own.used and not own.extended:
            found.append(_partition(number + len(found), own, at, sector_size))
        if not (following.used and following.extended):
            return found
        at = container.first + following.first
