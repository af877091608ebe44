"""Partition tables: real ones made by others, our own held against sfdisk and sgdisk, and damaged ones."""

from __future__ import annotations

import json
import random
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path
from uuid import UUID
from zlib import crc32

import pytest
from sample_data import unpacked

from bootmend.disk.container import open_disk
from bootmend.disk.device import BlockDevice
from bootmend.disk.overlay import Overlay
from bootmend.disk.raw import RawFile
from bootmend.errors import Misuse
from bootmend.volumes.partitions import Partition, PartitionTable, read_partitions
from bootmend.volumes.tables.partition import ATTRIBUTE_NO_LETTER, BASIC_DATA, ESP, MSR
from bootmend.volumes.tables.write import write_gpt, write_mbr

MIB = 1 << 20
DISK = UUID("5cdd3b95-17b9-4a9e-9c8b-9a5c4c5f3f10")
WINDOWS_DISK = [
    Partition(1, MIB, 2 * MIB, ESP, name="EFI system partition"),
    Partition(2, 3 * MIB, MIB, MSR, name="Microsoft reserved partition"),
    Partition(4, 4 * MIB, 3 * MIB, BASIC_DATA, name="Basic data partition", attributes=ATTRIBUTE_NO_LETTER),
]


@pytest.fixture
def disk(tmp_path: Path) -> Callable[..., Overlay]:
    def make(content: bytes = b"", size: int = 8 * MIB) -> Overlay:
        path = tmp_path / "disk.raw"
        with path.open("wb") as file:
            file.write(content)
            file.truncate(max(size, len(content)) if not content else len(content))
        return Overlay(RawFile(path))

    return make


def spans(table: PartitionTable) -> list[tuple[int, int, int, str]]:
    return [(one.number, one.start, one.size, one.type_id) for one in table.partitions]


def test_real_gpt_with_three_partitions(disk: Callable[..., Overlay]) -> None:
    table = read_partitions(disk(unpacked("disks/tables/gpt-512-3p.raw.gz")))
    assert (table.kind, table.disk_id, table.sector_size) == ("gpt", "{4a57f82f-3b54-45b7-9135-c1d4a9addf69}", 512)
    assert table.disk_guid == UUID("4a57f82f-3b54-45b7-9135-c1d4a9addf69")
    linux = "{0fc63daf-8483-4772-8e79-3d69d8477de4}"
    assert spans(table) == [
        (1, 34 * 512, 31 * 512, linux),
        (2, 65 * 512, 64 * 512, linux),
        (3, 129 * 512, 1886 * 512, ESP),
    ]
    assert table.partitions[2].guid == UUID("8bd51a24-3053-4849-b987-e5bb05eafe51")
    assert table.partitions[2].name == "EFI System"
    assert table.warnings == []


def test_real_gpt_without_partitions(disk: Callable[..., Overlay]) -> None:
    table = read_partitions(disk(unpacked("disks/tables/gpt-512-0p.raw.gz")))
    assert (table.kind, table.partitions, table.warnings) == ("gpt", [], [])


def test_real_mbr_with_logical_partitions(disk: Callable[..., Overlay]) -> None:
    table = read_partitions(disk(unpacked("disks/tables/mbr-512-p1e2.bin.xz")))
    assert (table.kind, table.disk_id, table.mbr_signature) == ("mbr", "0x0b4a5fbe", 0x0B4A5FBE)
    assert spans(table) == [
        (2, 1025 * 512, 1023 * 512, "0x83"),
        (5, 2 * 512, 511 * 512, "0x83"),
        (6, 514 * 512, 511 * 512, "0x83"),
    ]
    assert table.warnings == []


def test_real_mbr_of_4096_byte_sectors(disk: Callable[..., Overlay]) -> None:
    table = read_partitions(disk(unpacked("disks/tables/mbr-4096-p1e1.bin.xz")))
    assert table.sector_size == 4096
    assert spans(table) == [(1, 3 * 4096, 2 * 4096, "0x8e"), (5, 9 * 4096, 2 * 4096, "0x83")]
    assert table.partitions[0].active


def test_real_mbr_of_a_cut_image(disk: Callable[..., Overlay]) -> None:
    table = read_partitions(disk(unpacked("disks/tables/mbr-512-p4.bin")))
    assert [one.number for one in table.partitions] == [1]
    assert table.partitions[0].size == 512
    assert len(table.warnings) == 4


@pytest.mark.parametrize("sector", [512, 4096])
def test_our_gpt_is_read_back(disk: Callable[..., Overlay], sector: int) -> None:
    device = disk()
    write_gpt(device, DISK, WINDOWS_DISK, sector)
    table = read_partitions(device)
    assert (table.kind, table.disk_guid, table.sector_size, table.warnings) == ("gpt", DISK, sector, [])
    assert spans(table) == [(one.number, one.start, one.size, one.type_id) for one in WINDOWS_DISK]
    assert [one.name for one in table.partitions] == [one.name for one in WINDOWS_DISK]
    assert [one.attributes for one in table.partitions] == [0, 0, ATTRIBUTE_NO_LETTER]


def _run(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip(f"{command[0]} is not installed")
    return done.stdout + done.stderr


def _saved(device: BlockDevice, path: Path) -> str:
    path.write_bytes(device.read(0, device.size))
    return str(path)


def test_sgdisk_finds_no_fault_in_our_gpt(disk: Callable[..., Overlay], tmp_path: Path) -> None:
    device = disk()
    write_gpt(device, DISK, WINDOWS_DISK)
    verdict = _run("/usr/sbin/sgdisk", "-v", _saved(device, tmp_path / "gpt.raw"))
    assert "No problems found" in verdict


@pytest.mark.parametrize("kind", ["gpt", "mbr"])
def test_sfdisk_sees_what_we_wrote(disk: Callable[..., Overlay], tmp_path: Path, kind: str) -> None:
    device = disk()
    if kind == "gpt":
        write_gpt(device, DISK, WINDOWS_DISK)
    else:
        windows = [Partition(1, MIB, MIB, "0x27"), Partition(2, 2 * MIB, 5 * MIB, "0x07", active=True)]
        write_mbr(device, 0x1234ABCD, windows)
    path = _saved(device, tmp_path / "disk.raw")
    theirs = json.loads(_run("/usr/sbin/sfdisk", "-J", path))["partitiontable"]
    ours = read_partitions(device)
    assert theirs["id"].lower() in ours.disk_id
    assert [(one["start"] * 512, one["size"] * 512) for one in theirs["partitions"]] == [
        (one.start, one.size) for one in ours.partitions
    ]
    assert [int(one["type"], 16) if kind == "mbr" else one["type"].lower() for one in theirs["partitions"]] == [
        int(one.type_id, 16) if kind == "mbr" else one.type_id.strip("{}") for one in ours.partitions
    ]
    assert [one.get("bootable", False) for one in theirs["partitions"]] == [one.active for one in ours.partitions]


@pytest.mark.parametrize("sector", [512, 4096])
@pytest.mark.parametrize("place", [0, 16, 24, 72, 80, "entries"])
def test_a_damaged_primary_gives_way_to_the_backup(disk: Callable[..., Overlay], sector: int, place: int | str) -> None:
    device = disk()
    write_gpt(device, DISK, WINDOWS_DISK, sector)
    at = 2 * sector + 40 if isinstance(place, str) else sector + place
    device.write(at, bytes([device.read(at, 1)[0] ^ 0xFF]))
    table = read_partitions(device)
    assert spans(table) == [(one.number, one.start, one.size, one.type_id) for one in WINDOWS_DISK]
    assert table.sector_size == sector
    assert len(table.warnings) == 1 and "backup" in table.warnings[0]


def test_a_damaged_backup_is_said(disk: Callable[..., Overlay]) -> None:
    device = disk()
    write_gpt(device, DISK, WINDOWS_DISK)
    device.write(device.size - 500, b"\xff")
    table = read_partitions(device)
    assert len(table.partitions) == 3
    assert len(table.warnings) == 1 and "backup" in table.warnings[0]


def test_two_damaged_copies_give_no_partition(disk: Callable[..., Overlay]) -> None:
    device = disk()
    write_gpt(device, DISK, WINDOWS_DISK)
    device.write(520, b"\xff")
    device.write(device.size - 500, b"\xff")
    table = read_partitions(device)
    assert (table.kind, table.partitions, table.disk_guid) == ("gpt", [], None)
    assert "Both copies" in table.warnings[0]


def test_a_wiped_gpt_is_not_an_empty_disk(disk: Callable[..., Overlay]) -> None:
    device = disk()
    write_gpt(device, DISK, WINDOWS_DISK)
    device.write(512, bytes(MIB - 512))
    device.write(device.size - 33 * 512, bytes(33 * 512))
    table = read_partitions(device)
    assert (table.kind, table.partitions) == ("gpt", [])
    assert len(table.warnings) == 1


def test_a_grown_disk_finds_its_backup_where_it_was(disk: Callable[..., Overlay]) -> None:
    """Azure resizes a disk without moving the backup GPT."""
    small = disk(size=8 * MIB)
    write_gpt(small, DISK, WINDOWS_DISK)
    grown = disk(small.read(0, small.size) + bytes(8 * MIB))
    assert read_partitions(grown).warnings == []
    grown.write(2 * 512 + 40, b"\1")
    table = read_partitions(grown)
    assert len(table.partitions) == 3
    assert "backup" in table.warnings[0]


def test_gpt_without_and_with_more_than_a_protective_mbr(disk: Callable[..., Overlay]) -> None:
    device = disk()
    write_gpt(device, DISK, WINDOWS_DISK)
    protective = device.read(0, 512)
    device.write(0, bytes(512))
    table = read_partitions(device)
    assert (table.kind, len(table.partitions)) == ("gpt", 3)
    assert "protective" in table.warnings[0]
    device.write(0, protective)
    device.write(446 + 16, struct.pack("<B3xB3xII", 0x80, 7, 8192, 4096))
    table = read_partitions(device)
    assert (table.kind, len(table.partitions)) == ("gpt", 3)
    assert "hybrid" in table.warnings[0]


def test_an_mbr_wins_over_a_gpt_of_the_past(disk: Callable[..., Overlay]) -> None:
    device = disk()
    write_gpt(device, DISK, WINDOWS_DISK)
    write_mbr(device, 7, [Partition(1, MIB, MIB, "0x07", active=True)])
    table = read_partitions(device)
    assert (table.kind, table.disk_id) == ("mbr", "0x00000007")
    assert len(table.warnings) == 1 and "GPT" in table.warnings[0]


def test_a_looping_chain_ends_and_is_said(disk: Callable[..., Overlay]) -> None:
    content = bytearray(unpacked("disks/tables/mbr-512-p1e2.bin.xz"))
    struct.pack_into("<I", content, 0x40200 + 446 + 16 + 8, 0)
    content[0x40200 + 446 + 16 + 4] = 5
    struct.pack_into("<I", content, 0x40200 + 446 + 16 + 12, 511)
    table = read_partitions(disk(bytes(content)))
    assert [one.number for one in table.partitions] == [2, 5, 6]
    assert len(table.warnings) == 1 and "comes back" in table.warnings[0]


def test_an_mbr_without_its_signature_is_believed_only_with_a_witness(disk: Callable[..., Overlay]) -> None:
    device = disk()
    write_mbr(device, 7, [Partition(1, MIB, MIB, "0x07", active=True)])
    device.write(510, b"\0\0")
    assert read_partitions(device).kind == "none"
    device.write(MIB, b"\xeb\x52\x90NTFS    ")
    table = read_partitions(device)
    assert (table.kind, len(table.partitions)) == ("mbr", 1)
    assert "55 AA" in table.warnings[0]


def test_a_bare_file_system_is_one_partition(disk: Callable[..., Overlay]) -> None:
    for source in ("disks/ntfs/4k.boot", "disks/fat/fat32_bs_dirty.bin", "disks/fat/fat12.raw.gz"):
        device = disk(unpacked(source))
        table = read_partitions(device)
        assert (table.kind, table.disk_id, table.warnings) == ("none", "", [])
        assert spans(table) == [(1, 0, device.size, "")]


def test_an_empty_disk_and_a_tiny_one_have_no_table(disk: Callable[..., Overlay]) -> None:
    assert "neither" in read_partitions(disk()).warnings[0]
    assert read_partitions(disk(b"x" * 100)).kind == "none"


def test_overlapping_partitions_are_said(disk: Callable[..., Overlay]) -> None:
    device = disk()
    write_mbr(device, 7, [Partition(1, MIB, 4 * MIB, "0x07"), Partition(2, 5 * MIB, MIB, "0x07")])
    device.write(446 + 16 + 8, struct.pack("<I", 2 * 2048))
    assert any("overlap" in warning for warning in read_partitions(device).warnings)


def test_entries_that_lie_under_a_right_crc_are_told(disk: Callable[..., Overlay]) -> None:
    device = disk()
    write_gpt(device, DISK, WINDOWS_DISK)
    entries = bytearray(device.read(1024, 128 * 128))
    struct.pack_into("<QQ", entries, 32, 9000, 20)
    struct.pack_into("<QQ", entries, 128 + 32, 1 << 62, (1 << 62) + 7)
    header = bytearray(device.read(512, 92))
    struct.pack_into("<I", header, 88, crc32(entries))
    struct.pack_into("<I", header, 16, 0)
    struct.pack_into("<I", header, 16, crc32(header))
    device.write(512, bytes(header) + bytes(420) + bytes(entries))
    table = read_partitions(device)
    assert [one.number for one in table.partitions] == [4]
    assert len(table.warnings) == 3  # backwards, outside, the copies differ


@pytest.mark.parametrize("kind", ["gpt", "mbr"])
def test_damaged_tables_never_escape(disk: Callable[..., Overlay], kind: str) -> None:
    device = disk(unpacked("disks/tables/gpt-512-3p.raw.gz" if kind == "gpt" else "disks/tables/mbr-512-p1e2.bin.xz"))
    dice = random.Random(kind)
    for _ in range(400):
        mutant = Overlay(device)
        for _ in range(dice.randrange(1, 12)):
            mutant.write(dice.randrange(446, 1536), dice.randbytes(dice.choice((1, 2, 4))))
        table = read_partitions(mutant)
        for one in table.partitions:
            assert 0 <= one.start < one.start + one.size <= device.size


@pytest.mark.parametrize(
    "wrong",
    [
        [Partition(1, 512, MIB, BASIC_DATA)],
        [Partition(1, MIB, MIB, BASIC_DATA), Partition(2, MIB + 512, MIB, BASIC_DATA)],
        [Partition(1, MIB, MIB, BASIC_DATA), Partition(1, 3 * MIB, MIB, BASIC_DATA)],
        [Partition(129, MIB, MIB, BASIC_DATA)],
        [Partition(1, MIB, 8 * MIB, BASIC_DATA)],
        [Partition(1, MIB + 1, MIB, BASIC_DATA)],
    ],
)
def test_the_writer_refuses_nonsense(disk: Callable[..., Overlay], wrong: list[Partition]) -> None:
    with pytest.raises(Misuse):
        write_gpt(disk(), DISK, wrong)


@pytest.mark.parametrize("name", ["fixed.vhd", "dynamic.vhd", "fixed.vhdx", "dynamic.vhdx"])
def test_disks_partitioned_by_windows(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(unpacked(f"disks/{name}.gz"))
    with open_disk(str(path)) as device:
        table = read_partitions(device)
        assert (table.kind, table.sector_size, table.warnings) == ("mbr", 512, [])
        assert [one.type_id for one in table.partitions] == ["0x07"]
        start = table.partitions[0].start
        assert device.read(start + 3, 8) == b"NTFS    "


def test_a_windows_volume_without_a_table(tmp_path: Path) -> None:
    path = tmp_path / "volume.qcow2"
    path.write_bytes(unpacked("disks/windows_volume.qcow2.xz"))
    with open_disk(str(path)) as device:
        table = read_partitions(device)
        assert (table.kind, len(table.partitions), table.warnings) == ("none", 1, [])
