"""Fresh FAT volumes, and what fsck.vfat thinks of one; both from dosfstools, without which tests skip."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bootmend.disk.device import BlockDevice
from bootmend.disk.overlay import Overlay
from bootmend.disk.raw import RawFile

MKFS, FSCK = "/usr/sbin/mkfs.vfat", "/usr/sbin/fsck.vfat"


def make_fat(folder: Path, bits: int, megabytes: int, *options: str) -> Overlay:
    """A fresh volume, made by mkfs.vfat (dosfstools), under an overlay."""
    path = folder / f"fat{bits}.raw"
    with path.open("wb") as file:
        file.truncate(megabytes << 20)
    command = [MKFS, "-F", str(bits), "-i", "1234abcd", "-n", "ESP", *options, str(path)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("mkfs.vfat (dosfstools) is not installed")
    return Overlay(RawFile(path))


def fsck(device: BlockDevice, folder: Path) -> str:
    """What fsck.vfat -n complains of; empty if the volume is sound."""
    path = folder / "checked.raw"
    with path.open("wb") as file:
        file.truncate(device.size)
        for low, high in device.data_extents():
            file.seek(low)
            file.write(device.read(low, high - low))
    done = subprocess.run([FSCK, "-n", str(path)], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr
