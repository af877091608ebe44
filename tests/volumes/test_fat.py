"""FatVolume under the Volume contract; fsck.vfat looks over every volume that was written to."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from contracts.volume import VolumeContract

from bootmend.disk.device import BlockDevice
from bootmend.disk.overlay import Overlay
from bootmend.disk.raw import RawFile
from bootmend.volumes.fat import FatVolume

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


class FatContract(VolumeContract):
    bits = 32
    megabytes = 36
    options: tuple[str, ...] = ()

    def make_device(self, folder: Path) -> BlockDevice:
        self.folder = folder
        return make_fat(folder, self.bits, self.megabytes, *self.options)

    def open_volume(self, device: BlockDevice) -> FatVolume:
        return FatVolume(device, "ESP")

    def check(self, device: BlockDevice) -> None:
        assert fsck(device, self.folder) == ""


class TestFat32(FatContract):
    options = ("-s", "1")


class TestFat32Of4096ByteSectors(FatContract):
    options = ("-S", "4096", "-s", "1")


class TestFat16(FatContract):
    bits = 16
    options = ("-s", "4")


class TestFat12(FatContract):
    bits = 12
    options = ("-s", "32")
