"""NTFS fulfils the contract of every Volume, on 512-byte and 4096-byte sectors and on big clusters."""

from __future__ import annotations

from pathlib import Path

import pytest
from contracts.volume import VolumeContract
from ntfs_check import faults
from ntfs_samples import check_with_ntfsfix, make_ntfs

from bootmend.disk.device import BlockDevice
from bootmend.volumes.ntfs import NtfsVolume


class TestNtfs(VolumeContract):
    def make_device(self, folder: Path) -> BlockDevice:
        return make_ntfs(folder)

    def open_volume(self, device: BlockDevice) -> NtfsVolume:
        return NtfsVolume(device, "C:", writable=True)

    def check(self, device: BlockDevice) -> None:
        check_with_ntfsfix(device)
        assert faults(device) == []


class TestNtfsOn4Kn(TestNtfs):
    def make_device(self, folder: Path) -> BlockDevice:
        return make_ntfs(folder, sector=4096)


@pytest.mark.slow
class TestNtfsWithBigClusters(TestNtfs):
    def make_device(self, folder: Path) -> BlockDevice:
        return make_ntfs(folder, cluster=65536)
