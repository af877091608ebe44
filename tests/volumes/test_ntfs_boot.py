"""The boot sector: real ones of every cluster size, hostile ones, and a machine without the library."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest
from ntfs_samples import make_ntfs
from sample_data import need

from bootmend.disk.device import BlockDevice, Window
from bootmend.disk.overlay import Overlay
from bootmend.errors import InputError, ParseError
from bootmend.volumes.ntfs import NtfsVolume, is_ntfs, library
from bootmend.volumes.ntfs.boot import read_boot


class Start(BlockDevice):
    """A boot sector at the start of a device of the size it asks for."""

    name = "start"

    def __init__(self, sector: bytes) -> None:
        self.sector = sector
        count, size = struct.unpack_from("<Q", sector, 0x28)[0], struct.unpack_from("<H", sector, 0x0B)[0]
        self.size = max(512, (count + 1) * size)

    def _read(self, offset: int, length: int) -> bytes:
        return self.sector.ljust(offset + length, b"\0")[offset : offset + length]

    def _write(self, offset: int, data: bytes) -> None:
        raise AssertionError("reading writes")


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "sector", "cluster", "record"),
    [
        ("512", 512, 512, 1024),
        ("4k", 512, 4096, 1024),
        ("64k", 512, 65536, 1024),
        ("128k", 512, 131072, 1024),
        ("4kn", 4096, 4096, 4096),
    ],
)
def test_boot_sectors_that_windows_wrote(name: str, sector: int, cluster: int, record: int) -> None:
    device = Start(need(f"disks/ntfs/{name}.boot").read_bytes())
    assert is_ntfs(device.sector)
    boot = read_boot(device, "C:")
    assert (boot.sector_size, boot.cluster_size, boot.record_size, boot.index_size) == (sector, cluster, record, 4096)


@pytest.mark.parametrize(
    ("offset", "value"),
    [(3, b"MSDOS5.0"), (0x0B, b"\0\0"), (0x0D, b"\x03"), (0x0D, b"\x90"), (0x28, b"\xff" * 8), (0x30, bytes(8)),
     (0x38, b"\xff" * 8), (0x40, b"\0"), (0x40, b"\xe1"), (0x44, b"\x7f")],
)  # fmt: skip
def test_impossible_values_are_named(tmp_path: Path, offset: int, value: bytes) -> None:
    overlay = Overlay(make_ntfs(tmp_path, size=8 << 20))
    overlay.write(offset, value)
    with pytest.raises(ParseError) as error:
        NtfsVolume(overlay, "C:")
    assert error.value.file == "C:\\$Boot" and error.value.offset == offset


def test_a_cut_volume_is_an_error(tmp_path: Path) -> None:
    device = make_ntfs(tmp_path, size=8 << 20)
    with pytest.raises(ParseError, match="sectors the device has"):
        NtfsVolume(Window(device, 0, device.size // 2), "C:")
    with pytest.raises(InputError):
        NtfsVolume(Window(device, 0, 0), "C:")


def test_random_boot_sectors_raise_or_open(tmp_path: Path) -> None:
    device = make_ntfs(tmp_path, size=8 << 20)
    dice = random.Random(5)
    for _ in range(400):
        overlay = Overlay(device)
        for _ in range(dice.randrange(1, 4)):
            overlay.write(dice.randrange(0x50), bytes([dice.randrange(256)]))
        try:
            NtfsVolume(overlay, "C:").listdir("\\")
        except InputError:
            continue


def test_without_the_library_everything_is_read_and_writing_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = make_ntfs(tmp_path, size=8 << 20)
    with NtfsVolume(device, "C:", writable=True) as volume:
        volume.create("\\file", b"content")
    library.load.cache_clear()

    def none(*_args: object, **_names: object) -> None:
        raise OSError("no such library")

    monkeypatch.setattr("ctypes.CDLL", none)
    try:
        volume = NtfsVolume(device, "C:", writable=True)
        assert volume.read("\\file") == b"content" and volume.listdir("\\") and not volume.state().dirty
        with pytest.raises(InputError, match="apt-get install libntfs-3g89"):
            volume.create("\\other", b"")
    finally:
        library.load.cache_clear()
