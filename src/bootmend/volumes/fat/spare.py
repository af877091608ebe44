"""A FAT32 volume whose boot sector is gone, read by the copy that stands in its sector 6.

fatgen103: BPB_BkBootSec, "No value other than 6 is recommended". FAT12 and FAT16 keep no copy. It is believed only
where it says so of itself, fits the partition, and the first table stands where it says.
"""

from __future__ import annotations

from bootmend.binary import View
from bootmend.disk.device import BlockDevice
from bootmend.errors import InputError
from bootmend.volumes.fat.bootsector import is_fat, read_geometry
from bootmend.volumes.spare import SpareBoot

_PLACE = 6
_SECTOR = 512
_UNUSED_TAIL = 1 << 20
"""Bytes that formatters leave behind the last cluster's sector; a copy of a smaller volume is an older one's."""


def find_fat_spare(device: BlockDevice, name: str) -> SpareBoot | None:
    """The volume by the copy of its boot sector; None where there is no copy that can be believed."""
    for size in dict.fromkeys((device.sector_size, 512, 4096)):
        at = _PLACE * size
        if at + _SECTOR > device.size:
            continue
        copy = device.read(at, _SECTOR)
        view = View(copy, name, at)
        if not is_fat(copy) or view.u16(11) != size or view.u16(22) or view.u16(50) != _PLACE:
            continue
        total = (view.u16(19) or view.u32(32)) * size
        if not 0 <= device.size - total < _UNUSED_TAIL:
            continue
        spare = SpareBoot(device, copy, at)
        try:
            geometry = read_geometry(spare, name)
        except InputError:
            continue
        # Entry 0 of the table repeats the media byte of the boot sector.
        if device.read(geometry.table_offset, 3) == bytes((view.u8(21), 0xFF, 0xFF)):
            return spare
    return None
