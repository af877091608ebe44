"""Fixed VHD: the block-device contract, a real one from Windows, and footers that are not."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from contracts.block_device import BlockDeviceContract, pattern
from sample_data import unpacked

from bootmend.disk.device import BlockDevice
from bootmend.disk.raw import RawFile
from bootmend.disk.vhd import FIXED, FixedVhd, Footer, checksum, fixed_size
from bootmend.errors import InputError, ParseError


def footer(size: int, kind: int = FIXED) -> bytes:
    fields = (b"conectix", 2, 0x10000, (1 << 64) - 1, 0, b"test", 0x10000, b"Wi2k", size, size, 0, kind, 0)
    block = bytearray(Footer.LAYOUT.pack(*fields).ljust(512, b"\0"))
    struct.pack_into(">I", block, 64, checksum(block, 64))
    return bytes(block)


class TestFixedVhd(BlockDeviceContract):
    def make_device(self, content: bytes, folder: Path, writable: bool) -> BlockDevice:
        path = folder / "disk.vhd"
        path.write_bytes(content + footer(len(content)))
        return FixedVhd(RawFile(path, writable))


@pytest.fixture
def saved(tmp_path: Path) -> Callable[[bytes], RawFile]:
    def save(content: bytes) -> RawFile:
        path = tmp_path / "disk.vhd"
        path.write_bytes(content)
        return RawFile(path)

    return save


def test_a_fixed_vhd_made_by_windows(saved: Callable[[bytes], RawFile]) -> None:
    content = unpacked("disks/fixed.vhd.gz")
    disk = FixedVhd(saved(content))
    assert (disk.size, disk.container) == (10 << 20, "vhd-fixed")
    assert disk.read(0, disk.size) == content[:-512]


def test_the_footer_of_a_vhd_made_by_qemu(tmp_path: Path) -> None:
    path = tmp_path / "qemu.vhd"
    command = ["qemu-img", "create", "-q", "-f", "vpc", "-o", "subformat=fixed,force_size=on", str(path), "20M"]
    try:
        subprocess.run(command, check=True)
    except FileNotFoundError:
        pytest.skip("qemu-img is not installed")
    with FixedVhd(RawFile(path)) as disk:
        assert disk.size == 20 << 20


def test_the_current_size_counts_not_the_files(saved: Callable[[bytes], RawFile]) -> None:
    disk = FixedVhd(saved(pattern() + bytes(1 << 20) + footer(len(pattern()))))
    assert disk.read(0, disk.size) == pattern()


@pytest.mark.parametrize(
    "tail",
    [
        b"conectix".ljust(512, b"\0"),
        footer(len(pattern()))[:300] + b"\1" + footer(len(pattern()))[301:],
        footer(127 << 30),
        footer(0),
        footer(len(pattern()), kind=3),
        footer(len(pattern()), kind=4),
        bytes(512),
    ],
    ids=["cookie-only", "checksum", "another-disk's", "size-0", "dynamic", "differencing", "zeros"],
)
def test_a_stray_footer_does_not_make_a_vhd(saved: Callable[[bytes], RawFile], tail: bytes) -> None:
    file = saved(pattern() + tail)
    assert fixed_size(file) is None
    with pytest.raises(ParseError):
        FixedVhd(file)


def test_a_small_footer_at_the_end_of_a_large_dump_is_a_strangers(tmp_path: Path) -> None:
    path = tmp_path / "dump.raw"
    with path.open("wb") as file:
        file.truncate(64 << 20)
        file.seek(64 << 20)
        file.write(footer(10 << 20))
    with RawFile(path) as raw:
        assert fixed_size(raw) is None


def test_files_too_small_for_a_footer(saved: Callable[[bytes], RawFile]) -> None:
    assert fixed_size(saved(b"conectix")) is None
    with pytest.raises(InputError):
        FixedVhd(saved(b""))
