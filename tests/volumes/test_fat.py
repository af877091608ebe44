"""FatVolume under the Volume contract; fsck.vfat looks over every volume that was written to."""

from __future__ import annotations

from pathlib import Path

from contracts.volume import VolumeContract
from fat_images import fsck, make_fat

from bootmend.disk.device import BlockDevice
from bootmend.volumes.fat import FatVolume


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
