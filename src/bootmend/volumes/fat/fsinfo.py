"""The FSInfo sector of FAT32: how many clusters are free, and where to look for one.

Both numbers are hints. They are read with suspicion and, where they were known, kept in step,
for a checker complains about a count that is off. Source: fatgen103, "FAT32 FSInfo Sector Structure".
"""

from __future__ import annotations

from bootmend.binary import View
from bootmend.disk.device import BlockDevice
from bootmend.volumes.fat.bootsector import Geometry

_UNKNOWN = 0xFFFFFFFF


class FsInfo:
    """The two hints; without a sector, or with one that lacks its three signatures, it does nothing."""

    def __init__(self, device: BlockDevice, geometry: Geometry) -> None:
        self._device = device
        self._offset = geometry.fsinfo_offset
        self._clusters = geometry.clusters
        self.next_free = 2
        self.free_count: int | None = None
        if self._offset:
            view = View(device.read(self._offset, 512), device.name, self._offset)
            if (view.bytes(0, 4), view.bytes(484, 4), view.u32(508)) == (b"RRaA", b"rrAa", 0xAA550000):
                self._read(view.u32(488), view.u32(492))
            else:
                self._offset = 0

    def _read(self, free: int, following: int) -> None:
        if free <= self._clusters:
            self.free_count = free
        if following != _UNKNOWN:
            self.next_free = following

    def changed(self, free: int, last_used: int | None) -> None:
        """`free` clusters more (or fewer, if negative) are free; `last_used` was just given out."""
        if not self._offset:
            return
        if self.free_count is not None:
            self.free_count = min(max(self.free_count + free, 0), self._clusters)
            self._device.write(self._offset + 488, self.free_count.to_bytes(4, "little"))
        if last_used is not None:
            self._device.write(self._offset + 492, last_used.to_bytes(4, "little"))
