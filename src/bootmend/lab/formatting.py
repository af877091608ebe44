"""Empty file systems on a lab disk, made by the programs that are best at it: mkntfs and mkfs.vfat.

They want a file of their own, so each volume is made in a sparse file beside the disk, and what is not
a hole in it is then copied to the partition.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bootmend.errors import InputError
from bootmend.lab.disk_file import copy_data
from bootmend.texts import say
from bootmend.volumes.tables.partition import Partition

SECTOR = 512
_NTFS_SERIAL_AT = 0x48


def format_ntfs(disk: Path, partition: Partition, label: str, serial: int) -> None:
    """An empty NTFS with 4 KiB clusters on `partition` of the disk in the file `disk`."""
    command = ["mkntfs", "-Q", "-F", "-q", "-c", "4096", "-s", str(SECTOR), "-H", "255", "-S", "63"]
    with tempfile.TemporaryDirectory(dir=disk.parent, prefix=f".{disk.name}.") as folder:
        volume = _make(
            Path(folder), partition, [*command, "-p", str(partition.start // SECTOR), "-L", label], "ntfs-3g"
        )
        with volume.open("r+b") as file:
            # mkntfs draws a random serial number; the same seed is to give the same disk.
            for boot_sector in (0, partition.size - SECTOR):
                file.seek(boot_sector + _NTFS_SERIAL_AT)
                file.write(serial.to_bytes(8, "little"))
        copy_data(volume, disk, partition.start)


def format_fat32(disk: Path, partition: Partition, label: str, serial: int) -> None:
    """An empty FAT32 on `partition` of the disk in the file `disk`."""
    hidden = str(partition.start // SECTOR)
    command = ["mkfs.vfat", "-F", "32", "-s", "2", "-S", str(SECTOR), "-h", hidden, "-n", label, "-i", f"{serial:08x}"]
    with tempfile.TemporaryDirectory(dir=disk.parent, prefix=f".{disk.name}.") as folder:
        copy_data(_make(Path(folder), partition, command, "dosfstools"), disk, partition.start)


def _make(folder: Path, partition: Partition, command: Sequence[str], package: str) -> Path:
    """A volume file of the partition's size, formatted by `command`. Raises InputError where that cannot be."""
    program = shutil.which(command[0]) or shutil.which(command[0], path="/usr/sbin:/sbin")
    if program is None:
        raise InputError(say("lab.missing_tool", tool=command[0], package=package))
    volume = folder / "volume"
    with volume.open("xb") as file:
        file.truncate(partition.size)
    done = subprocess.run([program, *command[1:], str(volume)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError(say("lab.tool_failed", tool=command[0], why=(done.stderr or done.stdout).strip()))
    return volume
