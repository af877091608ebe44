"""Disks of other times and other makers: FAT12 and FAT16 system partitions, dynamic disks, odd GPTs, cut images."""

from __future__ import annotations

import struct
from pathlib import Path
from uuid import UUID
from zlib import crc32

import pytest
from fat_images import fsck, make_fat
from replanted import tree_of
from strange_machines import DRIVERS, Pieces, Strange, partition, strange

from bootmend.disk.device import Window
from bootmend.disk.overlay import Overlay
from bootmend.errors import Missing, Refused
from bootmend.findings import Finding
from bootmend.lab.tree import write_volume
from bootmend.repair import diagnose
from bootmend.volumes.fat import FatVolume
from bootmend.volumes.tables.partition import (
    BASIC_DATA,
    LDM_DATA,
    LDM_METADATA,
    MBR_LDM,
    MSR,
    STORAGE_SPACES,
    Partition,
)
from bootmend.volumes.tables.write import write_gpt, write_mbr
from bootmend.windows.desk import Desk
from bootmend.windows.image import Image, describe

MIB = 1 << 20
FILECRYPT = f"{DRIVERS}\\filecrypt.sys"


@pytest.mark.parametrize(("bits", "options"), [(12, ["-s", "64"]), (16, [])])
def test_a_system_partition_of_an_older_fat(bits: int, options: list[str], tmp_path: Path) -> None:
    """Read as the machine's boot store, and changed there."""
    with strange(fault="driver-damaged") as odd:
        esp = partition(odd.disk, odd.manifest.system_partition)
        made = make_fat(tmp_path, bits, 100, *options)
        esp.write(0, bytes(8 * MIB))
        for low, high in made.data_extents():
            esp.write(low, made.read(low, high - low))
        with FatVolume(esp, "ESP") as files:
            assert files.kind == f"fat{bits}"
            write_volume(tree_of(odd.manifest.system_partition), files)
        found = odd.diagnose()
        assert found.windows.boots_by_default
        odd.mended()
        image = Image(odd.disk)
        desk = Desk(image)
        store = desk.store(odd.manifest.system_partition, "\\EFI\\Microsoft\\Boot\\BCD")
        default = store.view().default
        assert default is not None
        store.editor.set(default.id, 0x16000048, True)
        desk.save()
        image.close()
        assert fsck(esp, tmp_path) == ""
        assert odd.diagnose().windows.chain.flag("nointegritychecks")


@pytest.mark.parametrize(("free", "following"), [(0, 0xFFFFFFF0), (5, 1), (0xFFFFFFFE, 0), (77, 70_000)])
def test_hints_of_fsinfo_that_are_wrong_do_no_harm(free: int, following: int, tmp_path: Path) -> None:
    device = make_fat(tmp_path, 32, 64)
    sector = int.from_bytes(device.read(0x30, 2), "little")
    device.write(sector * 512 + 488, struct.pack("<II", free, following))
    with FatVolume(device, "ESP") as files:
        files.create("\\one.bin", b"1" * 300_000)
        files.replace("\\one.bin", b"2" * 500_000)
        files.create("\\two.bin", b"3" * 100_000)
    with FatVolume(device, "ESP") as files:
        assert files.read("\\one.bin") == b"2" * 500_000
        assert files.read("\\two.bin") == b"3" * 100_000
    complaint = fsck(device, tmp_path)
    assert complaint == "" or ("Free cluster summary wrong" in complaint and "Bad" not in complaint), complaint


ALONE = "system_partition_missing"
"""What is rightly said of a disk that holds the Windows volume alone, and of no matter to these tests."""


def beside(odd: Strange) -> list[Finding]:
    """Causes but for that one."""
    return [cause for cause in odd.diagnose().causes if cause.rule != ALONE]


def alone(odd: Strange, type_id: str, offset: int = 0) -> Strange:
    """The Windows volume as the only partition of a disk, `offset` bytes into it."""
    windows = partition(odd.disk, odd.number)
    disk = Overlay(Pieces(windows.size + 64 * MIB, [(MIB + offset, windows)]))
    place = [Partition(1, MIB, windows.size + offset, type_id)]
    if type_id.startswith("{"):
        write_gpt(disk, UUID(int=9), place)
    else:
        write_mbr(disk, 0x77, place)
    return Strange(disk, odd.given, 1, odd.manifest)


@pytest.mark.parametrize("type_id", [MBR_LDM, LDM_DATA, STORAGE_SPACES])
def test_a_volume_that_may_be_half_of_a_mirror_is_read_and_changed_only_on_consent(type_id: str) -> None:
    with strange(fault="driver-damaged") as base:
        odd = alone(base, type_id)
        assert [cause.subject for cause in beside(odd)] == ["filecrypt.sys"]
        with pytest.raises(Refused, match="mirrored") as refused:
            odd.propose()
        assert "one-disk-of-several" in refused.value.next_step
        assert odd.propose(accept=["one-disk-of-several"]).worth_doing


def test_a_basic_volume_needs_no_consent() -> None:
    with strange(fault="driver-damaged") as base:
        alone(base, BASIC_DATA).mended(left=[ALONE])


@pytest.mark.parametrize(
    ("type_id", "words"),
    [(MBR_LDM, "dynamic disk"), (LDM_DATA, "dynamic disk"), (LDM_METADATA, "dynamic disk"), (MSR, "reserved")],
)
def test_what_holds_no_file_system_of_its_own_is_named(type_id: str, words: str) -> None:
    with strange() as base:
        odd = alone(base, type_id, offset=MIB)
        with pytest.raises(Missing, match=words):
            odd.diagnose()


@pytest.mark.parametrize("magic", [b"EXFAT   ", b"ReFS\0\0\0\0"])
def test_a_data_volume_that_cannot_be_read_is_named_and_stops_nobody(magic: bytes) -> None:
    with strange() as base:
        windows = partition(base.disk, base.number)
        disk = Overlay(Pieces(windows.size + 64 * MIB, [(MIB, windows)]))
        start = 2 * MIB + windows.size
        table = [Partition(1, MIB, windows.size, BASIC_DATA), Partition(2, start, 8 * MIB, BASIC_DATA)]
        write_gpt(disk, UUID(int=9), table)
        disk.write(start, (b"\xeb\x76\x90" + magic).ljust(512, b"\0"))
        image = Image(disk)
        assert describe(image.content(2)).lower().encode() == magic.rstrip(b" \0").lower()
        image.close()
        assert beside(Strange(disk, base.given, 1, base.manifest)) == []


@pytest.mark.parametrize("entry_size", [128, 256])
def test_a_gpt_of_200_entries_elsewhere(entry_size: int) -> None:
    """The last entry is the one that counts; no rule says that the array follows the header."""
    with strange() as base:
        windows = partition(base.disk, base.number)
        start = 4 * MIB
        disk = Overlay(Pieces(windows.size + 64 * MIB, [(start, windows)]))
        write_gpt(disk, UUID(int=9), [Partition(1, start, windows.size, BASIC_DATA)])
        entries = bytearray(200 * entry_size)
        entries[199 * entry_size : 199 * entry_size + 128] = disk.read(1024, 128)
        disk.write(2048 * 512, bytes(entries))
        header = bytearray(disk.read(512, 92))
        struct.pack_into("<QIII", header, 72, 2048, 200, entry_size, crc32(entries))
        struct.pack_into("<I", header, 16, 0)
        struct.pack_into("<I", header, 16, crc32(header))
        disk.write(512, bytes(header))
        odd = Strange(disk, base.given, 200, base.manifest)
        assert odd.diagnose().windows.volume == 200
        assert beside(odd) == []
        odd.damage(FILECRYPT)
        odd.mended(left=[ALONE])


def test_an_image_that_was_cut_short_is_said_to_be() -> None:
    with strange() as odd, pytest.raises(Missing, match=r"Partition 3 .* the disk or its image was cut") as missing:
        diagnose(Window(odd.disk, 0, 1 << 30, "cut"), odd.given)
    assert "holds no Windows" in str(missing.value)


def test_a_disk_that_was_made_larger_boots_as_before() -> None:
    with strange(fault="driver-damaged") as odd:
        larger = Overlay(Pieces(odd.disk.size + (10 << 30), [(0, odd.disk)]))
        grown = Strange(larger, odd.given, odd.number, odd.manifest)
        assert [cause.subject for cause in grown.diagnose().causes] == ["filecrypt.sys"]
        grown.mended()
