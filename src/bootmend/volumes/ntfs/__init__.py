"""NTFS: read by our own code, changed through libntfs-3g."""

from bootmend.volumes.ntfs.boot import is_ntfs
from bootmend.volumes.ntfs.volume import NtfsVolume

__all__ = ["NtfsVolume", "is_ntfs"]
