"""Dynamic VHD: the block-device contract, real ones, QEMU as the second opinion, and damaged ones."""

from __future__ import annotations

import random
import struct
import subprocess
from pathlib import Path

import pytest
from contracts.block_device import SIZE, BlockDeviceContract, pattern
from qemu_images import content_of, make_image
from sample_data import unpacked

from bootmend.disk.container import open_disk
from bootmend.disk.device import BlockDevice
from bootmend.disk.dynamic_vhd import DynamicVhd
from bootmend.disk.raw import RawFile
from bootmend.disk.vhd import checksum
from bootmend.errors import BootmendError, DeviceError, ParseError, Refused

EXACT = "subformat=dynamic,force_size=on"


class TestDynamicVhd(BlockDeviceContract):
    def make_device(self, content: bytes, folder: Path, writable: bool) -> BlockDevice:
        return DynamicVhd(RawFile(make_image(content, folder, "vpc", EXACT), writable))


def save(folder: Path, content: bytes) -> str:
    path = folder / "disk.vhd"
    path.write_bytes(content)
    return str(path)


def test_a_dynamic_vhd_made_by_windows_reads_as_qemu_reads_it(tmp_path: Path) -> None:
    path = save(tmp_path, unpacked("disks/dynamic.vhd.gz"))
    with open_disk(path) as disk:
        assert (disk.container, disk.size) == ("vhd-dynamic", 10 << 20)
        assert disk.read(0, disk.size) == content_of(Path(path), "vpc")
        assert sum(high - low for low, high in disk.data_extents()) == 6 << 20


@pytest.mark.parametrize("name", ["virtualpc-dynamic", "hyperv2012r2-dynamic"])
def test_the_current_size_counts_not_the_geometry(tmp_path: Path, name: str) -> None:
    with open_disk(save(tmp_path, unpacked(f"disks/qemu/{name}.vhd.bz2"))) as disk:
        assert disk.size == 136365211648
        assert list(disk.data_extents()) == []
        assert disk.read(disk.size - 512, 512) == bytes(512)


def test_new_blocks_are_seen_by_qemu_and_the_footer_moves(tmp_path: Path) -> None:
    """A write of zeros into nothing makes no block; the file stays a sound VHD, footer copy included."""
    size = 20 << 20
    path = make_image(bytes(size), tmp_path, "vpc", EXACT)
    small = path.stat().st_size
    model = bytearray(size)
    dice = random.Random(3)
    with DynamicVhd(RawFile(path, writable=True)) as disk:
        disk.write(9 << 20, bytes(1 << 20))
        assert path.stat().st_size == small
        for _ in range(30):
            data = dice.randbytes(dice.choice((1, 512, 5000, 3 << 20)))
            offset = dice.randrange(size - len(data))
            disk.write(offset, data)
            model[offset : offset + len(data)] = data
        disk.flush()
        assert disk.read(0, size) == model
    whole = path.read_bytes()
    assert whole[:512] == whole[-512:]
    assert content_of(path, "vpc") == model
    with open_disk(str(path)) as disk:
        assert disk.read(0, size) == model


def test_a_lost_footer_is_read_past_and_forbids_writing(tmp_path: Path) -> None:
    image = make_image(pattern(), tmp_path, "vpc", EXACT)
    whole = image.read_bytes()
    for damaged in (whole[:-512], bytes(512) + whole[512:]):
        path = save(tmp_path, damaged)
        with open_disk(path) as disk:
            assert disk.container == "vhd-dynamic"
            assert disk.read(0, SIZE) == pattern()
        with pytest.raises(Refused):
            open_disk(path, writable=True)
        assert Path(path).read_bytes() == damaged


def resealed(image: bytes, offset: int, value: bytes) -> bytes:
    """The image with other bytes in its dynamic header (at 512), under a right checksum."""
    header = bytearray(image[512:1536])
    header[offset : offset + len(value)] = value
    struct.pack_into(">I", header, 36, checksum(header, 36))
    return image[:512] + bytes(header) + image[1536:]


def test_a_differencing_disk_names_its_parent(tmp_path: Path) -> None:
    image = bytearray(unpacked("disks/dynamic.vhd.gz"))
    for at in (0, len(image) - 512):
        struct.pack_into(">I", image, at + 60, 4)
        struct.pack_into(">I", image, at + 64, checksum(image[at : at + 512], 64))
    whole = resealed(bytes(image), 64, "base disk.vhd".encode("utf-16-be"))
    with pytest.raises(Refused, match=r"base disk\.vhd"):
        open_disk(save(tmp_path, whole))


@pytest.mark.parametrize(
    ("offset", "value"),
    [
        (0, b"x"),
        (16, b"\xff" * 8),
        (28, bytes(4)),
        (32, bytes(4)),
        (32, b"\0\x20\0\1"),
        (32, b"\xff\xff\xff\xff"),
    ],
    ids=["cookie", "table-outside", "no-entries", "block-0", "block-odd", "block-huge"],
)
def test_a_header_that_makes_no_sense_is_an_error(tmp_path: Path, offset: int, value: bytes) -> None:
    whole = resealed(unpacked("disks/dynamic.vhd.gz"), offset, value)
    with pytest.raises(ParseError):
        open_disk(save(tmp_path, whole))


def test_a_header_under_a_wrong_checksum_is_an_error(tmp_path: Path) -> None:
    image = bytearray(unpacked("disks/dynamic.vhd.gz"))
    image[600] ^= 1
    with pytest.raises(ParseError, match="checksum"):
        open_disk(save(tmp_path, bytes(image)))


@pytest.mark.parametrize("entry", [0, 1, 3, 0x7FFFFFFF, "twice"])
def test_a_table_that_lies_is_never_written_through(tmp_path: Path, entry: int | str) -> None:
    image = bytearray(unpacked("disks/dynamic.vhd.gz"))
    at = struct.unpack_from(">Q", image, 512 + 16)[0]
    image[at : at + 4] = image[at + 4 : at + 8] if isinstance(entry, str) else struct.pack(">I", entry)
    path = save(tmp_path, bytes(image))
    with pytest.raises(Refused):
        open_disk(path, writable=True)
    with open_disk(path) as disk:
        if entry == 0x7FFFFFFF:
            with pytest.raises(DeviceError):
                disk.read(0, 512)
        assert len(disk.read(2 << 20, 512)) == 512


def test_random_damage_is_an_error_or_is_read(tmp_path: Path) -> None:
    image = unpacked("disks/dynamic.vhd.gz")
    dice = random.Random(8)
    outcomes = set()
    for _ in range(150):
        mutant = bytearray(image[: 3 << 20])
        for _ in range(dice.randrange(1, 6)):
            at = dice.choice((dice.randrange(512), 512 + dice.randrange(48), 0x600 + dice.randrange(20)))
            mutant[at] = dice.randrange(256)
        if dice.random() < 0.7:
            mutant[:] = resealed(bytes(mutant), 0, bytes(mutant[512:513]))
        try:
            with open_disk(save(tmp_path, bytes(mutant)), writable=dice.random() < 0.5) as disk:
                disk.read(0, min(disk.size, 4096))
                outcomes.add(disk.container)
        except BootmendError as error:
            outcomes.add(type(error).__name__)
    assert {"vhd-dynamic", "ParseError"} <= outcomes


def test_qemu_finds_no_fault(tmp_path: Path) -> None:
    path = make_image(pattern(), tmp_path, "vpc", EXACT)
    with DynamicVhd(RawFile(path, writable=True)) as disk:
        disk.write(65536 + 5, b"new")
    done = subprocess.run(["qemu-img", "info", "-f", "vpc", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    model = bytearray(pattern())
    model[65536 + 5 : 65536 + 8] = b"new"
    assert content_of(path, "vpc")[:SIZE] == model
