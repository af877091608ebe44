"""Transaction logs up to Windows 8: one set of dirty pages of 512 bytes, named by a bitmap.

    0    base block of the log (type 1 or 2)
    512  DIRT, one bit for each 512 bytes of hive bins
    ...  at the next multiple of 512: the dirty pages, in order

There is no hash: the time in the base block must be the hive's.
Source: "Windows registry file format specification" (M. Suhanov), Old format.
"""

from __future__ import annotations

from bootmend.formats.hive.baseblock import PAGE, SECTOR, BaseBlock


def read_old_log(log: bytes, base: BaseBlock) -> list[tuple[int, bytes]] | None:
    """The log's dirty pages, (offset from the first hive bin, 512 bytes); None where it is not whole."""
    if base.size == 0 or base.size % PAGE or log[SECTOR : SECTOR + 4] != b"DIRT":
        return None
    bitmap = log[SECTOR + 4 : SECTOR + 4 + base.size // SECTOR // 8]
    place = SECTOR + (4 + base.size // SECTOR // 8 + SECTOR - 1) // SECTOR * SECTOR
    pages: list[tuple[int, bytes]] = []
    for at, byte in enumerate(bitmap):
        for bit in range(8) if byte else ():
            if byte >> bit & 1:
                pages.append(((at * 8 + bit) * SECTOR, log[place : place + SECTOR]))
                place += SECTOR
    return pages if pages and place <= len(log) else None
