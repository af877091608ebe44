"""Where a machine's partitions stand, as Windows' own setup lays out a disk.

generation 1   MBR   System Reserved (NTFS, active: bootmgr, \\Boot\\BCD) | Windows (NTFS)
               or one active NTFS volume with all of it, where the boot store's devices say so (`boot`)
generation 2   GPT   EFI system partition (FAT32) | Microsoft reserved | Windows (NTFS)
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from bootmend.disk.device import BlockDevice
from bootmend.errors import Misuse
from bootmend.lab.blueprint import Blueprint
from bootmend.texts import say
from bootmend.volumes.tables.partition import ATTRIBUTE_NO_LETTER, BASIC_DATA, ESP, MBR_NTFS, MSR, Partition
from bootmend.volumes.tables.write import write_gpt, write_mbr

MIB = 1 << 20
GIB = 1 << 30
SMALLEST = 2 * GIB
"""A disk below this has no room for the volumes and what is put into them."""

_SYSTEM_RESERVED = 500 * MIB
_ESP = 100 * MIB
_MSR = 16 * MIB


@dataclass(frozen=True, slots=True)
class Layout:
    """The partitions of a lab disk; `system` is the one that the firmware starts from."""

    generation: int
    partitions: tuple[Partition, ...]
    system: Partition
    windows: Partition
    disk_guid: UUID | None = None
    """Generation 2."""
    signature: int = 0
    """Generation 1: the MBR's disk signature."""

    def write(self, device: BlockDevice) -> None:
        """Puts the partition table onto `device`."""
        if self.disk_guid is not None:
            write_gpt(device, self.disk_guid, self.partitions)
        else:
            write_mbr(device, self.signature, self.partitions)


def lay_out(blueprint: Blueprint, generation: int, size: int, *, one_partition: bool = False) -> Layout:
    """The layout for a disk of `size` bytes; `one_partition` only of generation 1.

    Raises Misuse for a generation or size that cannot be.
    """
    if generation not in (1, 2):
        raise Misuse(say("lab.unknown_generation", generation=generation))
    if size < SMALLEST:
        raise Misuse(say("lab.too_small", size=size, smallest=SMALLEST))
    end = size // MIB * MIB - MIB
    signature = blueprint.random("disk signature").getrandbits(32) | 1
    if generation == 1 and one_partition:
        only = Partition(1, MIB, end - MIB, MBR_NTFS, active=True)
        return Layout(1, (only,), only, only, signature=signature)
    if generation == 1:
        system = Partition(1, MIB, _SYSTEM_RESERVED, MBR_NTFS, active=True)
        start = system.start + system.size
        windows = Partition(2, start, end - start, MBR_NTFS)
        return Layout(1, (system, windows), system, windows, signature=signature)
    system = Partition(1, MIB, _ESP, ESP, blueprint.guid("ESP"), "EFI system partition", attributes=ATTRIBUTE_NO_LETTER)
    reserved = Partition(2, MIB + _ESP, _MSR, MSR, blueprint.guid("MSR"), "Microsoft reserved partition")
    start = reserved.start + reserved.size
    windows = Partition(3, start, end - start, BASIC_DATA, blueprint.guid("Windows"), "Basic data partition")
    return Layout(2, (system, reserved, windows), system, windows, disk_guid=blueprint.guid("disk"))
