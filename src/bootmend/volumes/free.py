"""How many bytes of a volume no file owns."""

from __future__ import annotations

from bootmend.volumes.volume import Volume

_BITMAP = "\\$Bitmap"
_LONGEST = 1 << 30
"""Bytes of a bitmap: a volume of 32 TiB in clusters of 4 KiB."""


def free_bytes(volume: Volume) -> int | None:
    """Free space in bytes by the cluster bitmap of an NTFS volume; None for another file system.

    One bit a cluster, set where it is taken; bits past the last cluster do not count. Raises Missing,
    ParseError or InputError where the bitmap cannot be read.
    """
    if volume.kind != "ntfs":
        return None
    clusters = volume.device.size // volume.cluster_size
    bitmap = volume.read(_BITMAP, _LONGEST)[: -(-clusters // 8)]
    beyond = len(bitmap) * 8 - clusters
    taken = int.from_bytes(bitmap, "little")
    if beyond > 0:
        taken &= (1 << clusters) - 1
    return (min(clusters, len(bitmap) * 8) - taken.bit_count()) * volume.cluster_size
