"""An NTFS volume whose boot sector is gone, read by the copy that stands in its last sector.

NTFS keeps a copy of sector 0 behind the volume's last cluster, in the partition's last sector ("How NTFS
Works", Microsoft). It is believed only where it says that its volume fills this very partition and where
the $MFT and its mirror stand where it says: a partition that was made into something else keeps it, too.
"""

from __future__ import annotations

from bootmend.binary import View
from bootmend.disk.device import BlockDevice
from bootmend.errors import InputError
from bootmend.volumes.ntfs.boot import SECTOR, is_ntfs, read_boot

_RECORD = b"FILE"


class SpareBoot(BlockDevice):
    """A volume with the copy in place of its damaged first sector. What is written there goes nowhere."""

    def __init__(self, under: BlockDevice, copy: bytes, copy_at: int) -> None:
        self.under = under
        self.copy = copy
        self.copy_at = copy_at
        """Where the copy stands, in bytes from the volume's start."""
        self.name = under.name
        self.size = under.size
        self.sector_size = under.sector_size
        self.writable = under.writable
        self.container = under.container

    def _read(self, offset: int, length: int) -> bytes:
        data = self.under.read(offset, length)
        if offset >= len(self.copy):
            return data
        return (self.copy[offset:] + data[max(0, len(self.copy) - offset) :])[:length]

    def _write(self, offset: int, data: bytes) -> None:
        skipped = max(0, len(self.copy) - offset)
        if data[skipped:]:
            self.under.write(offset + skipped, data[skipped:])

    def flush(self) -> None:
        self.under.flush()


def find_spare(device: BlockDevice, name: str) -> SpareBoot | None:
    """The volume by the copy of its boot sector; None where there is no copy that can be believed."""
    for size in dict.fromkeys((device.sector_size, 512, 4096)):
        at = device.size - size
        if at <= size or device.size % size:
            continue
        copy = device.read(at, SECTOR)
        view = View(copy, name, at)
        if not is_ntfs(copy) or view.u16(0x0B) != size or view.u64(0x28) * size != at:
            continue
        spare = SpareBoot(device, copy, at)
        try:
            boot = read_boot(spare, name)
        except InputError:
            continue
        places = [lcn * boot.cluster_size for lcn in (boot.mft_lcn, boot.mirror_lcn)]
        if all(device.read(place, 4) == _RECORD for place in places):
            return spare
    return None
