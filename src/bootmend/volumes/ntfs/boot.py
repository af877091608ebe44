"""The NTFS boot sector: geometry and the two places where everything else starts.

Format: "NTFS Boot Sector" in Microsoft's file system documentation and the linux-ntfs project's notes.
"""

from __future__ import annotations

from dataclasses import dataclass

from bootmend.binary import View
from bootmend.disk.device import BlockDevice

SECTOR = 512
"""The stride of update sequence fixups: 512 bytes, on 4Kn disks too."""
MAX_CLUSTER = 2 << 20


@dataclass(frozen=True, slots=True)
class Boot:
    """All sizes in bytes; `mft_lcn` and `mirror_lcn` are cluster numbers."""

    sector_size: int
    cluster_size: int
    clusters: int
    mft_lcn: int
    mirror_lcn: int
    record_size: int
    index_size: int
    serial: int


def is_ntfs(sector: bytes) -> bool:
    return sector[3:11] == b"NTFS    "


def read_boot(device: BlockDevice, name: str) -> Boot:
    """Raises ParseError where the boot sector is not that of a whole NTFS volume on this device."""
    view = View(device.read(0, min(SECTOR, device.size)), f"{name}\\$Boot")
    if not is_ntfs(bytes(view.data)):
        raise view.fail(3, "the OEM name 'NTFS    '", repr(view.bytes(3, 8)))
    sector_size = view.u16(0x0B)
    if sector_size not in (256, 512, 1024, 2048, 4096):
        raise view.fail(0x0B, "a sector size of 256 to 4096 bytes", str(sector_size))
    cluster_size = _cluster_size(view, sector_size)
    sectors = view.u64(0x28)
    if not 0 < sectors * sector_size <= device.size:
        raise view.fail(0x28, f"at most the {device.size // sector_size} sectors the device has", str(sectors))
    clusters = sectors * sector_size // cluster_size
    lcns = []
    for at, what in ((0x30, "$MFT"), (0x38, "$MFTMirr")):
        lcn = view.u64(at)
        if not 0 < lcn < clusters:
            raise view.fail(at, f"a cluster of {what} below {clusters}", str(lcn))
        lcns.append(lcn)
    return Boot(
        sector_size,
        cluster_size,
        clusters,
        lcns[0],
        lcns[1],
        record_size=_record_size(view, 0x40, cluster_size, "file record"),
        index_size=_record_size(view, 0x44, cluster_size, "index block"),
        serial=view.u64(0x48),
    )


def _cluster_size(view: View, sector_size: int) -> int:
    """Above 128 sectors the byte is the negated exponent (2 MiB clusters: 0xF4 with 512-byte sectors)."""
    raw = view.u8(0x0D)
    sectors = raw if raw <= 0x80 else 1 << (256 - raw) if raw >= 0xE0 else 0
    size = sectors * sector_size
    if not sectors or sectors & (sectors - 1) or size > MAX_CLUSTER:
        raise view.fail(0x0D, "sectors per cluster, a power of two", f"{raw:#x}")
    return size


def _record_size(view: View, at: int, cluster_size: int, what: str) -> int:
    """Positive: clusters; negative: the exponent of a size in bytes."""
    raw = view.u8(at)
    size = raw * cluster_size if raw < 0x80 else 1 << (256 - raw) if raw >= 0xE0 else 0
    if not SECTOR <= size <= 65536 or size & (size - 1):
        raise view.fail(at, f"the size of a {what}", f"{raw:#x}")
    return size
