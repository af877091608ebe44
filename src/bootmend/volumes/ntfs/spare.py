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
from bootmend.volumes.spare import SpareBoot

_RECORD = b"FILE"


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
