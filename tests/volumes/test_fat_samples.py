"""FAT volumes made by others, and damaged ones: what is read, what is an error, what forbids writing."""

from __future__ import annotations

import random
import shutil
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fat_images import fsck, make_fat
from sample_data import unpacked

from bootmend.disk.device import BlockDevice, Metered
from bootmend.disk.overlay import Overlay
from bootmend.disk.raw import RawFile
from bootmend.errors import BootmendError, InputError, Missing, ParseError, Refused
from bootmend.volumes.fat import FatVolume, is_fat
from bootmend.volumes.volume import Entry

Save = Callable[[bytes], Overlay]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    def make(content: bytes) -> Overlay:
        path = tmp_path / "volume.raw"
        path.write_bytes(content)
        return Overlay(RawFile(path))

    return make


def walk(volume: FatVolume, path: str = "", depth: int = 6) -> Iterator[tuple[str, Entry]]:
    for entry in volume.listdir(path or "\\"):
        yield f"{path}\\{entry.name}", entry
        if entry.directory and depth:
            yield from walk(volume, f"{path}\\{entry.name}", depth - 1)


@pytest.mark.parametrize(("name", "kind"), [("fat12", "fat12"), ("fat16", "fat16")])
def test_folders_of_512_names_as_the_sleuth_kit_lists_them(save: Save, name: str, kind: str, tmp_path: Path) -> None:
    pytsk3 = pytest.importorskip("pytsk3")
    volume = FatVolume(save(unpacked(f"disks/fat/{name}.raw.gz")))
    assert volume.kind == kind
    filesystem = pytsk3.FS_Info(pytsk3.Img_Info(str(tmp_path / "volume.raw")))
    theirs = {
        (entry.info.name.name.decode(), entry.info.meta.size if entry.info.meta.type == 1 else 0)
        for entry in filesystem.open_dir("/")
        if entry.info.meta is not None and not entry.info.name.name.startswith((b"$", b".", b"OrphanFiles"))
    }
    ours = {(entry.name, entry.size) for entry in volume.listdir("\\")}
    assert ours == theirs and len(ours) >= 512
    assert volume.listdir("\\100")[0].name == "100.txt"
    assert volume.find_damage() == []


def test_fat32_with_254_clusters_and_sectors_of_2048_bytes(save: Save) -> None:
    volume = FatVolume(save(unpacked("disks/fat/fat32_small.raw.gz")))
    assert (volume.kind, volume.cluster_size, volume.serial) == ("fat32", 65536, 0x1F7CD088)
    assert [path for path, _ in walk(volume)] == ["\\test", "\\test\\1.TXT", "\\test\\2.TXT"]
    assert volume.read("\\test\\1.TXT") == b"test1\n"


def test_clusters_of_512_kib(save: Save) -> None:
    volume = FatVolume(save(unpacked("disks/fat/fat_unusual_cluster.raw.gz")))
    assert (volume.kind, volume.cluster_size) == ("fat12", 524288)
    assert volume.read("\\test_test_test_123_123_123.txt") == b"456\n"
    assert volume.read("\\TEST_T~1.TXT") == b"456\n"


def test_a_long_name_with_a_wrong_checksum_counts_for_nothing(save: Save) -> None:
    volume = FatVolume(save(unpacked("disks/fat/fat_lfn_test.raw.gz")))
    assert volume.stat("\\SHORT.TXT").size == 6
    assert not volume.exists("\\long_name_test.txt")


def test_labels(save: Save) -> None:
    assert FatVolume(save(unpacked("disks/fat/fat_unusual_label.raw.gz"))).label == " tEst1.234"
    assert FatVolume(save(unpacked("disks/fat/fat12.raw.gz"))).label == ""


def test_a_deleted_folder_is_gone(save: Save) -> None:
    assert FatVolume(save(unpacked("disks/fat/fat_deleted_dir.raw.gz"))).listdir("\\") == []


def test_a_folder_that_holds_the_one_above_it(save: Save) -> None:
    r"""\test_dir\n40\4\T1 points back to n40, behind an end mark that we first take away."""
    device = save(unpacked("disks/fat/fat32_loop.raw.gz"))
    volume = FatVolume(device)
    assert volume.listdir("\\test_dir\\n40\\4") == []
    at = device.read(0, device.size).index(b"T1         \x10")
    device.write(at - 32, b"\xe5")
    volume = FatVolume(device)
    assert [entry.name for entry in volume.listdir("\\test_dir\\n40\\4")] == ["T1"]
    with pytest.raises(ParseError):
        volume.listdir("\\test_dir\\n40\\4\\T1")
    assert any("n40" in sentence for sentence in volume.find_damage())
    with pytest.raises(Refused, match="damaged"):
        volume.create("\\new.txt", b"x")


def test_the_dirty_bits(tmp_path: Path) -> None:
    boot = unpacked("disks/fat/fat32_bs_dirty.bin")
    assert is_fat(boot) and boot[0x41] & 1
    for bits, flag, entry, clean in ((16, 0x25, 2, b"\xff\x7f"), (32, 0x41, 4, b"\xff\xff\xff\x07")):
        device = make_fat(tmp_path, bits, 40)
        table = struct.unpack_from("<H", device.read(0, 512), 14)[0] * 512
        assert not FatVolume(device).state().dirty
        device.write(flag, b"\1")
        assert FatVolume(device).state().dirty
        device.write(flag, b"\0")
        device.write(table + entry, clean)
        assert FatVolume(device).state().dirty


def chain(device: BlockDevice, cluster: int, value: int) -> None:
    """Sets an entry of both tables of a FAT32 volume of mkfs.vfat."""
    boot = device.read(0, 512)
    start, size = struct.unpack_from("<H", boot, 14)[0] * 512, struct.unpack_from("<I", boot, 36)[0] * 512
    for base in (start, start + size):
        device.write(base + cluster * 4, struct.pack("<I", value))


@pytest.fixture
def two_files(tmp_path: Path) -> Overlay:
    """FAT32, clusters of 512 bytes: \\a.bin on clusters 3 to 12, \\b.bin on 13 to 22."""
    device = make_fat(tmp_path, 32, 36, "-s", "1")
    with FatVolume(device) as volume:
        volume.create("\\A.BIN", b"a" * 5120)
        volume.create("\\B.BIN", b"b" * 5120)
        assert [extent.length for extent in volume.extents("\\a.bin")] == [5120]
        assert (volume.stat("\\a.bin").file_id, volume.stat("\\b.bin").file_id) == (3, 13)
    return device


@pytest.mark.parametrize(
    ("cluster", "value", "readable"),
    [
        (7, 3, False),  # comes back to its own start
        (7, 7, False),
        (7, 0, False),  # a free cluster
        (7, 1, False),
        (7, 0x0FFFFFF7, False),  # a bad one
        (7, 0x0FFFFF00, False),  # past the end
        (7, 0x0FFFFFFF, False),  # too short
        (12, 3, True),  # a loop behind the last cluster that its size needs
        (12, 13, True),  # runs into the other file
    ],
)
def test_damaged_chains_are_errors_and_forbid_writing(
    two_files: Overlay, cluster: int, value: int, readable: bool
) -> None:
    chain(two_files, cluster, value)
    volume = FatVolume(two_files)
    if readable:
        assert volume.read("\\a.bin") == b"a" * 5120
    else:
        with pytest.raises(ParseError):
            volume.read("\\a.bin")
    assert volume.read("\\b.bin") == b"b" * 5120
    volume.write_in_place("\\b.bin", 100, b"in place needs no sound volume")
    changed = two_files.changed_bytes()
    with pytest.raises(Refused):
        volume.create("\\new", b"x")
    with pytest.raises(Refused):
        volume.delete("\\a.bin")
    with pytest.raises(Refused):
        volume.replace("\\b.bin", b"x")
    with pytest.raises(Refused):
        volume.rename("\\b.bin", "\\c.bin")
    assert two_files.changed_bytes() == changed


def test_tables_that_differ_forbid_writing(two_files: Overlay) -> None:
    boot = two_files.read(0, 512)
    start, size = struct.unpack_from("<H", boot, 14)[0] * 512, struct.unpack_from("<I", boot, 36)[0] * 512
    two_files.write(start + size + 4 * 1000, b"\1")
    volume = FatVolume(two_files)
    assert volume.read("\\a.bin") == b"a" * 5120
    with pytest.raises(Refused):
        volume.create("\\new", b"x")


def test_one_active_table_is_the_one_used(two_files: Overlay) -> None:
    """Mirroring off (bit 7 of the extended flags), the second table active: the first is neither read nor written."""
    boot = two_files.read(0, 512)
    start, size = struct.unpack_from("<H", boot, 14)[0] * 512, struct.unpack_from("<I", boot, 36)[0] * 512
    two_files.write(40, b"\x81\0")
    two_files.write(start + 8, bytes(size - 8))
    with FatVolume(two_files) as volume:
        assert volume.read("\\b.bin") == b"b" * 5120
        volume.create("\\c.bin", b"c" * 2000)
        assert volume.read("\\c.bin") == b"c" * 2000
    assert two_files.read(start + 8, size - 8) == bytes(size - 8)


def test_mtools_reads_what_we_wrote(tmp_path: Path) -> None:
    if shutil.which("mcopy") is None:
        pytest.skip("mtools is not installed")
    device = make_fat(tmp_path, 32, 36, "-s", "1")
    with FatVolume(device) as volume:
        volume.mkdir("\\EFI")
        volume.mkdir("\\EFI\\Microsoft")
        volume.create("\\EFI\\Microsoft\\bootmgfw.efi", b"efi" * 5000)
        volume.create("\\EFI\\A long name here.txt", b"text")
        volume.create("\\startup.nsh", b"shell")
    assert fsck(device, tmp_path) == ""
    image = str(tmp_path / "checked.raw")
    listing = subprocess.run(["mdir", "-b", "-/", "-i", image, "::"], capture_output=True, text=True, check=True).stdout
    assert sorted(line.strip() for line in listing.splitlines()) == [
        "::/EFI/",
        "::/EFI/A long name here.txt",
        "::/EFI/Microsoft/",
        "::/EFI/Microsoft/bootmgfw.efi",
        "::/startup.nsh",
    ]
    for path, content in (("EFI/Microsoft/BOOTMGFW.EFI", b"efi" * 5000), ("EFI/ALONGN~1.TXT", b"text")):
        done = subprocess.run(["mtype", "-i", image, f"::/{path}"], capture_output=True, check=True)
        assert done.stdout == content


def test_what_mtools_wrote_is_read(tmp_path: Path) -> None:
    if shutil.which("mcopy") is None:
        pytest.skip("mtools is not installed")
    make_fat(tmp_path, 16, 40)
    image = str(tmp_path / "fat16.raw")
    (tmp_path / "source").write_bytes(bytes(range(256)) * 300)
    for name in ("lower.txt", "Mixed Name.Data", "été à la plage.txt"):
        subprocess.run(["mcopy", "-i", image, str(tmp_path / "source"), f"::/{name}"], check=True)
    with FatVolume(RawFile(image)) as volume:
        assert sorted(entry.name for entry in volume.listdir("\\")) == [
            "Mixed Name.Data",
            "lower.txt",
            "été à la plage.txt",
        ]
        assert volume.read("\\MIXED NAME.DATA") == bytes(range(256)) * 300


def test_aliases_are_unique_and_short(tmp_path: Path) -> None:
    device = make_fat(tmp_path, 32, 36, "-s", "1")
    with FatVolume(device) as volume:
        for number in range(12):
            volume.create(f"\\Long file name {number}.text", str(number).encode())
        volume.create("\\lower.txt", b"")
        volume.create("\\.profile", b"")
        assert volume.read("\\LONGFI~1.TEX") == b"0"
        assert volume.read("\\LONGF~12.TEX") == b"11"
        assert volume.exists("\\LOWER.TXT") and volume.exists("\\PROFIL~1")
        with pytest.raises(BootmendError):
            volume.create("\\LONGFI~3.TEX", b"taken by an alias")


def test_a_fixed_root_folder_gets_full_and_nothing_is_lost(tmp_path: Path) -> None:
    device = make_fat(tmp_path, 16, 40, "-r", "16")
    slots = struct.unpack_from("<H", device.read(0, 512), 17)[0]
    with FatVolume(device) as volume:
        made = 0
        with pytest.raises(Refused):
            for number in range(slots):
                volume.create(f"\\FILE{number}.TXT", b"x" * 3000)
                made += 1
        assert len(volume.listdir("\\")) == made == slots - 1  # and the label
        volume.delete("\\FILE3.TXT")
        volume.create("\\FILE99.TXT", b"y")
    assert fsck(device, tmp_path) == ""


def test_what_lies_behind_the_end_of_a_folder_stays_behind_it(tmp_path: Path) -> None:
    """Some formatters leave rubbish after the end mark; a new name must not bring it to light."""
    device = make_fat(tmp_path, 32, 36, "-s", "1")
    with FatVolume(device) as volume:
        volume.create("\\FIRST.TXT", b"1")
        root = device.read(0, device.size).index(b"FIRST   TXT")
    device.write(root + 64, b"GHOST   TXT\x20" + bytes(20))
    with FatVolume(device) as volume:
        assert [entry.name for entry in volume.listdir("\\")] == ["FIRST.TXT"]
        volume.create("\\SECOND.TXT", b"2")
        assert [entry.name for entry in volume.listdir("\\")] == ["FIRST.TXT", "SECOND.TXT"]


def test_fsinfo_keeps_count(tmp_path: Path) -> None:
    device = make_fat(tmp_path, 32, 36, "-s", "1")
    before = struct.unpack("<I", device.read(512 + 488, 4))[0]
    with FatVolume(device) as volume:
        volume.create("\\A.BIN", b"x" * 5120)
    assert struct.unpack("<I", device.read(512 + 488, 4))[0] == before - 10
    with FatVolume(device) as volume:
        volume.delete("\\A.BIN")
    assert struct.unpack("<I", device.read(512 + 488, 4))[0] == before


def test_bytes_behind_the_end_of_a_file_are_zeros(tmp_path: Path) -> None:
    device = make_fat(tmp_path, 32, 36, "-s", "8")
    with FatVolume(device) as volume:
        volume.create("\\A.BIN", b"s" * 4096)
        at = volume.extents("\\A.BIN")[0].volume_offset
        volume.replace("\\A.BIN", b"short")
        assert device.read(at, 4096) == b"short".ljust(4096, b"\0")


def test_like_must_exist(tmp_path: Path) -> None:
    with FatVolume(make_fat(tmp_path, 16, 40)) as volume:
        with pytest.raises(Missing):
            volume.create("\\a.txt", b"", like="\\none.txt")
        assert volume.listdir("\\") == []


def test_a_cut_image_is_read_as_far_as_it_goes(two_files: Overlay, save: Save) -> None:
    device = save(two_files.read(0, 1 << 20))
    volume = FatVolume(device)
    assert volume.read("\\b.bin") == b"b" * 5120
    with pytest.raises(Refused):
        volume.create("\\big.bin", bytes(2 << 20))


def test_opening_reads_little(two_files: Overlay) -> None:
    metered = Metered(two_files)
    FatVolume(metered).read("\\b.bin")
    assert metered.bytes_read < 100_000


@pytest.mark.parametrize("source", ["fat12", "fat16", "fat32_small", "fat_lfn_test"])
def test_random_damage_is_an_error_or_is_read_and_never_hangs(save: Save, source: str) -> None:
    device = save(unpacked(f"disks/fat/{source}.raw.gz"))
    whole = FatVolume(device)
    interesting = [0, 512, *(at for at in range(0, device.size, 512) if any(device.read(at, 512)))][:60]
    dice = random.Random(source)
    outcomes = set()
    for turn in range(30):
        mutant = Overlay(device)
        for _ in range(dice.randrange(1, 10)):
            at = dice.choice(interesting[: 3 if turn % 2 else None])
            mutant.write(min(at + dice.randrange(512), device.size - 4), dice.randbytes(dice.choice((1, 2, 4))))
        try:
            volume = FatVolume(mutant)
            for path, entry in list(walk(volume, depth=0))[:20]:
                if not entry.directory:
                    volume.read(path, limit=1 << 24)
            volume.find_damage()
            outcomes.add("read")
        except InputError:
            outcomes.add("error")
            continue
        try:
            volume.create("\\new file.txt", b"new" * 1000)
            assert volume.read("\\new file.txt") == b"new" * 1000
            outcomes.add("written")
        except BootmendError:
            outcomes.add("refused")
    assert {"read", "error"} <= outcomes
    assert whole.listdir("\\") is not None


def test_is_fat_knows_its_own() -> None:
    assert is_fat(unpacked("disks/fat/fat12.raw.gz")[:512])
    assert is_fat(unpacked("disks/fat/fat_unusual_cluster.raw.gz")[:512])
    for other in ("disks/ntfs/4k.boot", "disks/ntfs/4kn.boot", "disks/tables/mbr-512-p4.bin"):
        assert not is_fat(unpacked(other)[:512])
    assert not is_fat(b"") and not is_fat(bytes(512)) and not is_fat(b"\xeb" * 512)
    for seed in range(200):
        assert not is_fat(b"\xeb" + random.Random(seed).randbytes(511))
