"""What NTFS files are beyond names and bytes: links, owners, holes, compression, junctions, and much of all."""

from __future__ import annotations

import ctypes
import hashlib
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
import pytsk3
from bounded_work import bounded_work
from ntfs_check import faults
from ntfs_samples import check_with_ntfsfix, copy_of, make_ntfs

from bootmend.disk.device import Metered
from bootmend.disk.overlay import Overlay
from bootmend.disk.raw import RawFile
from bootmend.errors import DeviceError, InputError, Missing, Refused
from bootmend.volumes.ntfs import NtfsVolume
from bootmend.volumes.ntfs.records import ATTRIBUTE_LIST, DATA, STANDARD_INFORMATION, redo_fixups, undo_fixups
from bootmend.volumes.volume import ARCHIVE, HIDDEN, READ_ONLY, SYSTEM, NotInPlace

JUNCTION, SYMLINK = 0xA0000003, 0xA000000C


@pytest.fixture
def volume(tmp_path: Path) -> Iterator[NtfsVolume]:
    device = make_ntfs(tmp_path)
    with NtfsVolume(device, "C:", writable=True) as volume:
        yield volume
    assert faults(device) == []
    check_with_ntfsfix(device)


def junction(target: str) -> bytes:
    """[MS-FSCC] 2.1.2.5: substitute name, print name."""
    name = f"\\??\\{target}".encode("utf-16-le")
    body = struct.pack("<HHHH", 0, len(name), len(name) + 2, 0) + name + bytes(4)
    return struct.pack("<IHH", JUNCTION, len(body), 0) + body


def patch_record(volume: NtfsVolume, path: str, at: int, data: bytes) -> None:
    """Changes bytes of a file's record, offsets counted from the start of its $DATA attribute."""
    file = volume._tree.file(path)
    attribute = file.first(DATA)
    assert attribute is not None
    raw = volume._mft.raw(file.base.number)
    record = bytearray(undo_fixups(raw, b"FILE").data)
    record[attribute.at + at : attribute.at + at + len(data)] = data
    volume._mft.write(file.base.number, redo_fixups(bytes(record)))


def test_hard_links_are_one_file(volume: NtfsVolume) -> None:
    volume.mkdir("\\WinSxS")
    volume.mkdir("\\System32")
    volume.create("\\WinSxS\\ntfs.sys", b"old" * 3000)
    volume.link("\\WinSxS\\ntfs.sys", "\\System32\\ntfs.sys")
    one, two = volume.stat("\\WinSxS\\ntfs.sys"), volume.stat("\\System32\\ntfs.sys")
    assert one.file_id == two.file_id and one.links == two.links == 2
    volume.replace("\\System32\\ntfs.sys", b"new" * 5000)
    assert volume.read("\\WinSxS\\ntfs.sys") == b"new" * 5000
    volume.delete("\\WinSxS\\ntfs.sys")
    assert volume.stat("\\System32\\ntfs.sys").links == 1
    assert volume.read("\\System32\\ntfs.sys") == b"new" * 5000
    with pytest.raises(InputError):
        volume.link("\\System32", "\\Other")
    with pytest.raises(InputError):
        volume.link("\\System32\\ntfs.sys", "\\SYSTEM32\\NTFS.SYS")


def test_a_new_file_gets_the_owner_and_acl_it_is_told(volume: NtfsVolume) -> None:
    trusted_installer = bytes.fromhex("010600000000000550000000b589fb381984c2cb5c6c236d5700776ec0026487")
    everyone = bytes.fromhex("010100000000000100000000")
    ace = struct.pack("<BBHI", 0, 0, 8 + len(everyone), 0x1200A9) + everyone
    acl = struct.pack("<BBHHH", 2, 0, 8 + len(ace), 1, 0) + ace
    owner = 20
    group = owner + len(trusted_installer)
    head = struct.pack("<BBHIIII", 1, 0, 0x8004, owner, group, 0, group + len(everyone))
    descriptor = head + trusted_installer + everyone + acl
    volume.create("\\pattern.sys", b"")
    volume.set_security("\\pattern.sys", descriptor)
    assert volume.security("\\pattern.sys") == descriptor
    volume.create("\\new.sys", b"content", like="\\PATTERN.sys")
    volume.create("\\other.sys", b"content")
    assert volume.security("\\new.sys") == descriptor
    assert volume.security("\\other.sys") != descriptor
    volume.replace("\\new.sys", b"other content" * 1000)
    assert volume.security("\\new.sys") == descriptor
    with pytest.raises(Missing):
        volume.create("\\third.sys", b"", like="\\nowhere.sys")


def test_attributes_and_times_are_set_and_kept(volume: NtfsVolume) -> None:
    volume.create("\\file.sys", b"x" * 3000)
    volume.set_attributes("\\file.sys", READ_ONLY | HIDDEN | SYSTEM | ARCHIVE)
    volume.set_times("\\file.sys", 131_000_000_000_000_000, 131_111_111_111_111_111, 131_222_222_222_222_222)
    volume.close()
    entry = volume.stat("\\file.sys")
    assert (entry.attributes, entry.modified) == (READ_ONLY | HIDDEN | SYSTEM | ARCHIVE, 131_111_111_111_111_111)
    assert volume.listdir("\\") == [entry]


def test_no_twins_are_made(volume: NtfsVolume) -> None:
    volume.create("\\ÄÖÜ ñ.sys", b"1")
    for name in ("\\äöü Ñ.SYS", "\\ÄÖÜ ñ.sys"):
        assert volume.read(name) == b"1"
        with pytest.raises(InputError):
            volume.create(name, b"2")
        with pytest.raises(InputError):
            volume.mkdir(name)
    volume.create("\\other", b"2")
    with pytest.raises(InputError):
        volume.rename("\\other", "\\äöü ñ.sys")
    volume.rename("\\äöü ñ.sys", "\\äöü ñ.sys")
    assert [entry.name for entry in volume.listdir("\\")] == ["other", "äöü ñ.sys"]


def test_junctions_and_links_are_listed_not_followed(volume: NtfsVolume) -> None:
    volume.mkdir("\\Users")
    volume.create("\\Users\\file", b"content")
    volume.mkdir("\\Documents and Settings")
    volume.set_reparse("\\Documents and Settings", junction("C:\\Users"))
    volume.create("\\link", b"")
    volume.set_reparse("\\link", struct.pack("<IHH", SYMLINK, 14, 0) + struct.pack("<HHHHI", 0, 2, 0, 2, 1) + b"x\0")
    tags = {entry.name: entry.reparse_tag for entry in volume.listdir("\\")}
    assert tags == {"Users": 0, "Documents and Settings": JUNCTION, "link": SYMLINK}
    assert volume.stat("\\link").reparse_tag == SYMLINK
    for ask in (volume.open, volume.listdir, volume.stat):
        with pytest.raises(Missing, match="not followed"):
            ask("\\Documents and Settings\\file")
    with pytest.raises(Missing):
        volume.open("\\link")
    with pytest.raises(Missing):
        volume.replace("\\link", b"")
    with pytest.raises(NotInPlace):
        volume.extents("\\link")
    with pytest.raises(Missing, match="points elsewhere"):
        volume.listdir("\\Documents and Settings")


def test_the_file_systems_own_files_are_hidden_and_never_changed(volume: NtfsVolume) -> None:
    assert volume.listdir("\\") == []
    assert volume.stat("\\$MFT").size and volume.stat("\\$Extend").directory
    for path in ("\\$MFT", "\\$LogFile", "\\$Bitmap"):
        for ask in (volume.delete, lambda p: volume.replace(p, b""), lambda p: volume.rename(p, "\\x")):
            with pytest.raises(Refused):
                ask(path)


def test_sparse_files_read_as_zeros_and_have_no_place(volume: NtfsVolume) -> None:
    volume.create("\\hole.bin", b"x" * 50_000)
    volume.make_hole("\\hole.bin", 3_000_000)
    assert volume.read("\\hole.bin") == bytes(3_000_000)
    with pytest.raises(NotInPlace, match="sparse"):
        volume.extents("\\hole.bin")
    with pytest.raises(NotInPlace):
        volume.write_in_place("\\hole.bin", 0, b"y")
    volume.replace("\\hole.bin", b"y" * 100_000)
    assert volume.read("\\hole.bin") == b"y" * 100_000


def test_bytes_behind_the_initialized_size_are_zeros_and_have_no_place(volume: NtfsVolume) -> None:
    volume.create("\\log.bin", b"x" * 20_000)
    volume.close()
    patch_record(volume, "\\log.bin", 0x38, struct.pack("<Q", 5000))
    assert volume.read("\\log.bin") == b"x" * 5000 + bytes(15_000)
    assert sum(extent.length for extent in volume.extents("\\log.bin")) == 5000
    volume.write_in_place("\\log.bin", 4990, b"y" * 10)
    with pytest.raises(NotInPlace):
        volume.write_in_place("\\log.bin", 4995, b"y" * 10)
    assert volume.read("\\log.bin")[4980:5010] == b"x" * 10 + b"y" * 10 + bytes(10)
    patch_record(volume, "\\log.bin", 0x38, struct.pack("<Q", 20_000))


def test_compressed_files_are_read_decompressed(tmp_path: Path) -> None:
    """LZNT1, made by hand: 16 chunks of one letter each in one cluster, the other 15 clusters a hole."""
    device = make_ntfs(tmp_path)
    plain = b"".join(bytes([65 + number]) * 4096 for number in range(16))
    with NtfsVolume(device, "C:", writable=True) as volume:
        volume.create("\\file.bin", plain)
    volume = NtfsVolume(device, "C:", writable=True)
    (extent,) = volume.extents("\\file.bin")
    packed = b"".join(struct.pack("<HBBH", 0xB003, 2, 65 + number, 4095 - 3) for number in range(16))
    device.write(extent.volume_offset, packed.ljust(4096, b"\0"))
    lcn = extent.volume_offset // 4096
    pairs = b"\x31\x01" + lcn.to_bytes(3, "little") + b"\x01\x0f\x00"
    raw = volume._mft.raw(volume.stat("\\file.bin").file_id & 0xFFFFFFFFFFFF)
    record = bytearray(undo_fixups(raw, b"FILE").data)
    file = volume._tree.file("\\file.bin")
    data, standard = file.first(DATA), file.first(STANDARD_INFORMATION)
    assert data is not None and standard is not None
    head = struct.pack("<IIBBHHHQQHBxxxxxQQQQ", DATA, 0x50, 1, 0, 0x48, 1, 9, 0, 15, 0x48, 4, 65536, 65536, 65536, 4096)
    new = head + pairs + struct.pack("<II", 0xFFFFFFFF, 0)
    record[data.at : data.at + len(new)] = new
    struct.pack_into("<I", record, 0x18, data.at + len(new))
    struct.pack_into("<I", record, standard.at + 0x18 + 0x20, 0x820)
    struct.pack_into("<H", record, 0x28, 10)
    volume._mft.write(file.base.number, redo_fixups(bytes(record)))
    assert volume.stat("\\file.bin").size == 65536
    assert volume.read("\\file.bin") == plain
    assert volume.open("\\file.bin").read(4090, 20) == plain[4090:4110]
    with pytest.raises(NotInPlace, match="compressed"):
        volume.extents("\\file.bin")
    volume.close()
    tsk = pytsk3.FS_Info(pytsk3.Img_Info(str(copy_of(device)))).open(path="/file.bin")
    assert tsk.read_random(0, 65536) == plain


def test_writing_in_place_leaves_all_metadata_and_the_journal_as_they_were(tmp_path: Path) -> None:
    device = make_ntfs(tmp_path)
    with NtfsVolume(device, "C:", writable=True) as volume:
        volume.create("\\SYSTEM", b"hive" * 50_000)
    (extent,) = NtfsVolume(device, "C:").extents("\\SYSTEM")
    edges = ((0, extent.volume_offset), (extent.volume_offset + extent.length, device.size))

    def outside() -> list[bytes]:
        return [hashlib.sha256(device.read(low, high - low)).digest() for low, high in edges]

    before = outside()
    volume = NtfsVolume(device, "C:", writable=True)
    volume.write_in_place("\\SYSTEM", 0, b"HIVE" * 50_000)
    volume.close()
    assert outside() == before
    assert NtfsVolume(device, "C:").read("\\SYSTEM") == b"HIVE" * 50_000


def test_a_read_only_volume_is_not_written(tmp_path: Path) -> None:
    device = make_ntfs(tmp_path)
    volume = NtfsVolume(device, "C:", writable=False)
    with pytest.raises(InputError, match="reading only"):
        volume.create("\\file", b"")
    device.close()
    with RawFile(device.name) as again, pytest.raises(InputError, match="reading only"):
        NtfsVolume(again, "C:", writable=True).mkdir("\\folder")


def test_many_files_are_made_listed_and_found_in_few_reads(tmp_path: Path) -> None:
    """The lab makes 7,000 files; the $MFT grows again and again beneath the reader on the way."""
    device = Overlay(make_ntfs(tmp_path, size=128 << 20))
    names = [f"Driver number {number}.sys" for number in range(2000)]
    with NtfsVolume(device, "C:", writable=True) as volume:
        volume.mkdir("\\drivers")
        for number, name in enumerate(names):
            volume.create(f"\\drivers\\{name}", b"x" * 900)
            if number % 250 == 0:
                assert volume.read(f"\\drivers\\{name}") == b"x" * 900
    metered = Metered(device)
    volume = NtfsVolume(metered, "C:")
    with bounded_work(calls=1_000_000):
        assert sorted(entry.name for entry in volume.listdir("\\drivers")) == sorted(names)
    listed = metered.bytes_read
    assert listed < 1 << 20
    with bounded_work(calls=1_000_000):
        for name in names[::4]:
            assert volume.stat(f"\\DRIVERS\\{name.upper()}").name == name
    assert metered.bytes_read - listed < 500 * 4096
    assert faults(device) == []


def test_a_looked_up_name_costs_one_path_down_the_index(tmp_path: Path) -> None:
    device = make_ntfs(tmp_path)
    with NtfsVolume(device, "C:", writable=True) as volume:
        for number in range(1500):
            volume.create(f"\\file {number:05}", b"")
    metered = Metered(device)
    volume = NtfsVolume(metered, "C:")
    before = metered.bytes_read
    assert volume.exists("\\FILE 01234") and not volume.exists("\\file 01234x")
    assert metered.bytes_read - before <= 6 * 4096 + 4 * 1024


@pytest.mark.slow
def test_a_mft_in_so_many_pieces_that_it_needs_an_attribute_list(tmp_path: Path) -> None:
    """The volume is filled with small files, every other one is emptied, and new records take their places."""
    device = make_ntfs(tmp_path, size=16 << 20)
    volume = NtfsVolume(device, "C:", writable=True)
    for folder in ("\\old", "\\new"):
        volume.mkdir(folder)
    made = 0
    with pytest.raises(Refused, match="no room"):
        while True:
            volume.create(f"\\old\\file {made:05}", b"x" * 1000)
            made += 1
    volume = NtfsVolume(device, "C:", writable=True)
    for number in range(0, made, 2):
        volume.replace(f"\\old\\file {number:05}", b"")
    new = 0
    while volume._mft.file(0).first(ATTRIBUTE_LIST) is None:
        for _ in range(100):
            volume.create(f"\\new\\file {new:05}", b"y" * 300)
            new += 1
        volume.close()
    again = NtfsVolume(device, "C:")
    assert len(again._mft.table.runs) > 20
    for number in range(new):
        assert again.read(f"\\new\\file {number:05}") == b"y" * 300
    assert faults(device) == []


def short_name(volume: NtfsVolume, folder: str, name: str, short: str) -> None:
    """Gives a file its 8.3 name, as Windows does on its system volume; the call consumes both inodes."""
    file, above = volume.stat(f"{folder}\\{name}").file_id, volume.stat(folder).file_id
    session = volume._writing()
    inode, parent = session._open(file), session._open(above)
    call = session._library.ntfs_set_ntfs_dos_name
    call.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int]
    assert call(inode, parent, short.encode(), len(short), 0) == 0
    volume._forget()


def test_a_session_that_was_closed_is_an_error_not_a_crash(volume: NtfsVolume) -> None:
    volume.create("\\file", b"content")
    session = volume._writing()
    volume.close()
    with pytest.raises(DeviceError, match="closed"):
        session.write(volume.stat("\\file").file_id, b"other")
    session.close()


def test_files_with_a_short_name_are_listed_once_and_found_by_both(volume: NtfsVolume) -> None:
    volume.mkdir("\\Program Files")
    short_name(volume, "\\", "Program Files", "PROGRA~1")
    for number in range(1, 6):
        volume.create(f"\\Program Files\\Long driver name {number}.sys", b"x" * 2000)
        short_name(volume, "\\Program Files", f"Long driver name {number}.sys", f"LONGDR~{number}.SYS")
    assert [entry.name for entry in volume.listdir("\\")] == ["Program Files"]
    assert len(volume.listdir("\\progra~1")) == 5
    assert volume.stat("\\PROGRA~1\\longdr~1.sys").links == 1
    assert volume.read("\\PROGRA~1\\longdr~1.sys") == b"x" * 2000
    with pytest.raises(InputError):
        volume.create("\\Program Files\\LONGDR~1.SYS", b"")
    volume.replace("\\PROGRA~1\\LONGDR~1.SYS", b"y" * 9000)
    volume.delete("\\PROGRA~1\\LONGDR~2.SYS")
    volume.delete("\\Program Files\\Long driver name 3.sys")
    volume.rename("\\PROGRA~1\\LONGDR~4.SYS", "\\PROGRA~1\\new name.sys")
    volume.link("\\PROGRA~1\\LONGDR~5.SYS", "\\second name.sys")
    volume.close()
    left = {entry.name for entry in volume.listdir("\\Program Files")}
    assert left == {"Long driver name 1.sys", "new name.sys", "Long driver name 5.sys"}
    assert volume.read("\\Program Files\\Long driver name 1.sys") == b"y" * 9000
    for gone in ("LONGDR~2.SYS", "LONGDR~3.SYS", "LONGDR~4.SYS"):
        assert not volume.exists(f"\\Program Files\\{gone}")
    volume.rename("\\PROGRA~1", "\\Programs")
    assert volume.read("\\Programs\\new name.sys") == b"x" * 2000 and not volume.exists("\\PROGRA~1")
    volume.rename("\\Programs\\LONGDR~1.SYS", "\\Programs\\LONG DRIVER NAME 1.SYS")
    assert volume.read("\\Programs\\Long driver name 1.sys") == b"y" * 9000
