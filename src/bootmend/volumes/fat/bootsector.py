"""The boot sector of a FAT volume: where everything stands, in bytes.

Source: Microsoft, "FAT: General Overview of On-Disk Format" 1.03 (fatgen103). Two points are
decided as Windows and Linux do rather than by that text: a volume is FAT32 when its 16-bit
table length and its root entry count are 0, however few clusters it has; and sector and
cluster sizes above 512 and 32 KiB are taken as they stand (4Kn disks, mkfs.fat -s 128).
"""

from __future__ import annotations

from dataclasses import dataclass

from bootmend.binary import View
from bootmend.disk.device import BlockDevice

_FAT12_BELOW = 4085
"""Clusters; fatgen103's own number, off by one from what some formatters believe, as it warns."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """Offsets and sizes in bytes from the volume's start; clusters are numbered from 2."""

    bits: int
    """12, 16 or 32."""
    sector_size: int
    cluster_size: int
    clusters: int
    """How many there are: the last one's number is `clusters + 1`."""
    table_offset: int
    table_size: int
    tables: int
    active_table: int | None
    """The one table in use where FAT32 mirroring is off."""
    root_offset: int
    """FAT12 and FAT16: the fixed root folder."""
    root_size: int
    root_cluster: int
    """FAT32: the root folder's first cluster; else 0."""
    data_offset: int
    fsinfo_offset: int
    """FAT32: 0 where there is none."""
    flags_offset: int
    """The byte whose bit 0 says: was not unmounted."""
    serial: int
    label: str

    def cluster_offset(self, cluster: int) -> int:
        return self.data_offset + (cluster - 2) * self.cluster_size

    def holds(self, cluster: int) -> bool:
        return 2 <= cluster < self.clusters + 2


def is_fat(boot_sector: bytes) -> bool:
    """Whether the first 512 bytes of a volume are a FAT boot sector, by every field that has few lawful values."""
    if len(boot_sector) < 512 or boot_sector[0] not in (0xEB, 0xE9):
        return False
    view = View(boot_sector, "boot sector")
    small, large = view.u16(19), view.u32(32)
    return (
        view.u16(11) in (512, 1024, 2048, 4096)
        and _power_of_two(view.u8(13))
        and view.u16(14) > 0
        and view.u8(16) in (1, 2)
        and (view.u8(21) == 0xF0 or view.u8(21) >= 0xF8)
        and (small > 0 or large > 0)
        and (view.u16(22) > 0 or (view.u32(36) > 0 and view.u16(17) == 0))
    )


def read_geometry(device: BlockDevice, file: str) -> Geometry:
    """ParseError, naming `file`, if the boot sector is not FAT's or contradicts itself or the device."""
    view = View(device.read(0, min(512, device.size)), file)
    if not is_fat(bytes(view.data)):
        raise view.fail(0, "a FAT boot sector")
    sector = view.u16(11)
    cluster = sector * view.u8(13)
    total = (view.u16(19) or view.u32(32)) * sector
    fat32 = view.u16(22) == 0
    table_offset = view.u16(14) * sector
    table_size = (view.u32(36) if fat32 else view.u16(22)) * sector
    tables = view.u8(16)
    root_offset = table_offset + tables * table_size
    root_size = view.u16(17) * 32
    data_offset = root_offset + -(-root_size // sector) * sector
    if data_offset + cluster > total:
        raise view.fail(32, f"a volume of more than {data_offset} bytes, its own tables", str(total))
    if data_offset > device.size:
        raise view.fail(32, f"tables inside the {device.size} bytes of the partition", str(data_offset))
    clusters = (total - data_offset) // cluster
    bits = 32 if fat32 else 12 if clusters < _FAT12_BELOW else 16
    # Clusters with no table entry, or past the end of a cut image, cannot be used: the kernel of Linux counts the same.
    clusters = min(clusters, table_size * 8 // bits - 2, (device.size - data_offset) // cluster)
    extended = 64 if fat32 else 36
    signed = view.u8(extended + 2) == 0x29
    mirror = view.u16(40) if fat32 else 0
    active = (mirror & 0x0F) if mirror & 0x80 else None
    if active is not None and active >= tables:
        raise view.fail(40, f"one of {tables} tables as the active one", str(active))
    root_cluster = view.u32(44) & 0x0FFFFFFF if fat32 else 0
    if fat32 and not 2 <= root_cluster < clusters + 2:
        raise view.fail(44, f"a root folder in clusters 2 to {clusters + 1}", str(root_cluster))
    fsinfo = view.u16(48) if fat32 else 0
    return Geometry(
        bits=bits,
        sector_size=sector,
        cluster_size=cluster,
        clusters=clusters,
        table_offset=table_offset,
        table_size=table_size,
        tables=tables,
        active_table=active,
        root_offset=root_offset,
        root_size=root_size,
        root_cluster=root_cluster,
        data_offset=data_offset,
        fsinfo_offset=fsinfo * sector if fsinfo * sector + 512 <= table_offset else 0,
        flags_offset=extended + 1,
        serial=view.u32(extended + 3) if signed else 0,
        label=view.bytes(extended + 7, 11).decode("cp437").rstrip() if signed else "",
    )


def _power_of_two(number: int) -> bool:
    return number > 0 and number & (number - 1) == 0
