"""Which partitions a disk has, whoever wrote its table.

The MBR decides, as it does for Windows: a protective entry (or no MBR at all) sends us to the
GPT; a real MBR wins over a GPT that an earlier life of the disk left behind; a disk that
starts with a file system has no table.
"""

from __future__ import annotations

from bootmend.disk.device import BlockDevice
from bootmend.texts import say
from bootmend.volumes.probe import file_system
from bootmend.volumes.tables.gpt import read_gpt
from bootmend.volumes.tables.mbr import (
    SIGNATURE_PATCH,
    BootRecord,
    protective_entry,
    read_boot_record,
    read_mbr,
    witnesses,
)
from bootmend.volumes.tables.partition import Flaw, Partition, PartitionTable, Patch, TableFault

__all__ = ["Partition", "PartitionTable", "read_partitions"]


def read_partitions(device: BlockDevice) -> PartitionTable:
    """The table of `device`; damage is told in its warnings, DeviceError only if the medium gives no bytes."""
    if device.size < 512:
        return _bare(device, [say("volumes.nothing_known")])
    sector = device.read(0, 512)
    if file_system(sector):
        return _bare(device, [])
    record = read_boot_record(device)
    gpt = read_gpt(device)
    if record.signed and record.plausible and record.used and not record.protective:
        table = read_mbr(device, record)
        if gpt is not None and gpt.disk_guid is not None:
            table.warnings.append(say("volumes.stale_gpt"))
        return table
    if gpt is not None:
        if not (record.signed and record.protective):
            gpt.warnings.append(say("volumes.gpt_unprotected"))
            gpt.faults.append(_unprotected(device, record, gpt.sector_size))
        elif _hybrid(record):
            gpt.warnings.append(say("volumes.gpt_hybrid"))
            gpt.faults.append(TableFault(Flaw.HYBRID, 446, say("volumes.gpt_hybrid")))
        return gpt
    if record.signed and record.protective:
        warnings = [say("volumes.gpt_gone")]
        return PartitionTable("gpt", "", None, None, device.sector_size, [], warnings)
    if record.plausible and record.signed:
        return read_mbr(device, record)
    if (record.plausible or record.signed) and _worth_believing(device, record):
        return read_mbr(device, record)
    return _bare(device, [say("volumes.nothing_known")])


def _unprotected(device: BlockDevice, record: BootRecord, sector_size: int) -> TableFault:
    """The 55 AA alone, or the whole entry where all four slots are empty: nothing else is written over."""
    patches: tuple[Patch, ...] = ()
    flaw, at = Flaw.NOT_PROTECTED, 446
    if record.protective:
        flaw, at = Flaw.MBR_UNSIGNED, 510
        patches = (SIGNATURE_PATCH,)
    elif not any(device.read(446, 64)):
        patches = (Patch(446, protective_entry(device.size // sector_size), "protective MBR"),)
    return TableFault(flaw, at, say("volumes.gpt_unprotected"), patches)


def _bare(device: BlockDevice, warnings: list[str]) -> PartitionTable:
    whole = Partition(number=1, start=0, size=device.size)
    return PartitionTable("none", "", None, None, device.sector_size, [whole], warnings)


def _hybrid(record: BootRecord) -> bool:
    return sum(slot.used for slot in record.slots) > 1


def _worth_believing(device: BlockDevice, record: BootRecord) -> bool:
    """A boot record that lost its 55 AA, or with boot flags that are none: only what it points to can vouch for it."""
    return any(witnesses(device, record, size) for size in (512, 4096))
