"""RawFile: the block-device contract on a file, and what cannot be opened."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from contracts.block_device import BlockDeviceContract, pattern

from bootmend.disk.device import BlockDevice
from bootmend.disk.raw import RawFile
from bootmend.errors import DeviceError, InputError, Refused


class TestRawFile(BlockDeviceContract):
    def make_device(self, content: bytes, folder: Path, writable: bool) -> BlockDevice:
        path = folder / "disk.raw"
        path.write_bytes(content)
        return RawFile(path, writable)


def test_holes_are_not_data(tmp_path: Path) -> None:
    path = tmp_path / "sparse.raw"
    with path.open("wb") as file:
        file.truncate(64 << 20)
        file.seek(32 << 20)
        file.write(b"data")
    with RawFile(path) as device:
        extents = list(device.data_extents())
    assert sum(high - low for low, high in extents) <= 1 << 20
    assert any(low <= 32 << 20 < high for low, high in extents)


def test_a_file_of_holes_has_no_data(tmp_path: Path) -> None:
    path = tmp_path / "empty.raw"
    with path.open("wb") as file:
        file.truncate(1 << 20)
    with RawFile(path) as device:
        assert list(device.data_extents()) == []


def test_a_file_cut_while_open_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "disk.raw"
    path.write_bytes(pattern())
    with RawFile(path) as device:
        os.truncate(path, 1000)
        assert device.read(0, 1000) == pattern()[:1000]
        with pytest.raises(DeviceError, match="0x3e8"):
            device.read(0, 2000)


def test_what_cannot_be_opened_says_why(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for bad in (tmp_path / "none.raw", tmp_path, tmp_path / "fifo", Path("/dev/null"), "a\0b"):
        with pytest.raises(InputError):
            RawFile(bad)


def test_two_writers_are_refused_and_readers_are_not(tmp_path: Path) -> None:
    path = tmp_path / "disk.raw"
    path.write_bytes(pattern())
    with RawFile(path, writable=True):
        with pytest.raises(Refused):
            RawFile(path, writable=True)
        with RawFile(path) as reader:
            assert reader.read(0, 512) == pattern()[:512]
    RawFile(path, writable=True).close()


def test_the_disk_of_a_running_qemu_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "disk.raw"
    path.write_bytes(pattern())
    try:
        user = subprocess.Popen(
            ["qemu-io", "-f", "raw", str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
    except FileNotFoundError:
        pytest.skip("qemu-io is not installed")
    assert user.stdin is not None and user.stdout is not None
    with user:
        user.stdin.write("read 0 512\n")
        user.stdin.flush()
        user.stdout.readline()
        with pytest.raises(Refused):
            RawFile(path, writable=True)
        user.stdin.close()
        user.wait()
    RawFile(path, writable=True).close()


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[str]:
    """A block device with sectors of 4096 bytes; needs root and loop devices."""
    image = tmp_path / "loop.raw"
    with image.open("wb") as file:
        file.truncate(8 << 20)
    command = ["losetup", "--find", "--show", "--sector-size", "4096", str(image)]
    try:
        made = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("losetup is not installed")
    if made.returncode:
        pytest.skip(f"no loop device: {made.stderr.strip()}")
    device = made.stdout.strip()
    yield device
    subprocess.run(["losetup", "--detach", device], check=True)


def test_a_block_device(loop: str) -> None:
    with RawFile(loop, writable=True) as device:
        assert (device.container, device.size, device.sector_size) == ("block-device", 8 << 20, 4096)
        device.write(5000, b"not aligned to any sector")
        device.flush()
        assert device.read(4990, 40) == bytes(10) + b"not aligned to any sector" + bytes(5)
        assert list(device.data_extents()) == [(0, 8 << 20)]
        with pytest.raises(Refused):  # as it is while a partition of it is mounted
            RawFile(loop, writable=True)
        with pytest.raises(DeviceError):
            device.grow(9 << 20)
    with RawFile(loop) as reader:
        assert reader.read(5000, 3) == b"not"
