"""The boot code of an NTFS volume, which a BIOS machine runs: 16 sectors, of which the first is the boot sector.

    0x000  3 bytes    a jump over what follows            0x054  426 bytes  code that loads the rest
    0x003  81 bytes   OEM name and geometry               0x200  15 sectors code that finds \\bootmgr

"NTFS Boot Sector" in Microsoft's file system documentation. The copy in the volume's last sector holds the first
sector with its code. What other formatters (mkntfs) put there starts nothing, but is not told apart from
loaders of others: only wiped code is judged, and Windows' own where the sectors that it loads are wiped.
"""

from __future__ import annotations

from enum import Enum

from bootmend.disk.device import BlockDevice
from bootmend.volumes.ntfs.boot import SECTOR, is_ntfs

JUMP, GEOMETRY, CODE = slice(0, 3), slice(3, 0x54), slice(0x54, 0x1FE)
_JUMPS = (0xEB, 0xE9)
_WINDOWS = bytes.fromhex("fa33c08ed0bc007c")
"""cli; xor ax, ax; mov ss, ax; mov sp, 7C00h: how the code of every Windows since NT begins."""
_BEHIND = 15 * SECTOR


class CodeFault(Enum):
    WIPED = "wiped"
    """No jump at the beginning, or one byte over and over where the code should be."""
    CUT = "cut"
    """Windows' code in the boot sector, and nothing in the sectors that it loads."""


def code_fault(device: BlockDevice) -> CodeFault | None:
    """What is wrong with the code of an NTFS volume; None also for a volume of another kind."""
    sector = device.read(0, SECTOR)
    if not is_ntfs(sector):
        return None
    if not _runs(sector):
        return CodeFault.WIPED
    cut = sector[CODE].startswith(_WINDOWS) and not any(device.read(SECTOR, _BEHIND))
    return CodeFault.CUT if cut else None


def spare_code(device: BlockDevice) -> tuple[bytes, int] | None:
    """The copy of the boot sector and its place in the volume, where it is this very volume's and holds code."""
    sector = device.read(0, SECTOR)
    size = int.from_bytes(sector[0x0B:0x0D], "little")
    if not 0 < size <= device.size:
        return None
    at = device.size - size
    copy = device.read(at, SECTOR)
    return (copy, at) if copy[GEOMETRY] == sector[GEOMETRY] and _runs(copy) else None


def _runs(sector: bytes) -> bool:
    return sector[0] in _JUMPS and len(set(sector[CODE])) > 1
