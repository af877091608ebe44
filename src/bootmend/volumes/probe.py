"""Which file system a boot sector belongs to, by its own words."""

from __future__ import annotations

from bootmend.volumes.fat.bootsector import is_fat

_BY_NAME = {
    b"NTFS    ": "ntfs",
    b"-FVE-FS-": "bitlocker",
    b"MSWIN4.1": "",  # FAT, and BitLocker To Go: the FAT check decides
    b"EXFAT   ": "exfat",
    b"ReFS\0\0\0\0": "refs",
}


def file_system(boot_sector: bytes) -> str:
    """ntfs, fat, bitlocker, exfat, refs, or nothing; at least 512 bytes from the volume's start."""
    if len(boot_sector) < 512:
        return ""
    known = _BY_NAME.get(bytes(boot_sector[3:11]), "")
    return known or ("fat" if is_fat(boot_sector) else "")
