"""The $LogFile: its state on real specimens, its replay, and what is refused."""

from __future__ import annotations

import random
import struct
import subprocess
from pathlib import Path

import pytest
from ntfs_samples import copy_of, make_ntfs
from sample_data import unpacked

from bootmend.disk.device import BlockDevice, Metered
from bootmend.disk.overlay import Overlay
from bootmend.disk.raw import RawFile
from bootmend.errors import InputError, ParseError, Refused
from bootmend.lab import ntfs_marks
from bootmend.lab.ntfs_marks import LATER, mark_crashed
from bootmend.volumes.ntfs import NtfsVolume
from bootmend.volumes.ntfs.boot import read_boot
from bootmend.volumes.ntfs.logfile import Journal, read_journal
from bootmend.volumes.ntfs.logrecords import CHECKPOINT, LogReader
from bootmend.volumes.ntfs.mft import LOGFILE, Mft
from bootmend.volumes.ntfs.stream import Stream
from bootmend.volumes.volume import File

TOUCHED = "\\Windows\\system.log"


class Bytes(File):
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size = len(data)

    def read(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "journal"),
    [
        ("LogFile_10", Journal("unclean", "2.0", 0x806158)),
        ("LogFile_10_downgraded", Journal("clean", "1.1", 0x8064AF)),
        ("LogFile_7", Journal("clean", "1.1", 0x80541D)),
        ("LogFile_empty", Journal("reset")),
    ],
)
def test_logs_that_windows_left(name: str, journal: Journal) -> None:
    assert read_journal(Bytes(unpacked(f"disks/ntfs/{name}.bin")), "C:") == journal


@pytest.mark.data
def test_a_torn_restart_page_gives_way_to_the_other_one() -> None:
    data = bytearray(unpacked("disks/ntfs/LogFile_10.bin"))
    data[0x1FE] ^= 1
    assert read_journal(Bytes(bytes(data)), "C:") == Journal("unclean", "2.0", 0x8060A5)
    data[0x11FE] ^= 1
    assert read_journal(Bytes(bytes(data)), "C:").state == "unreadable"
    assert read_journal(Bytes(b""), "C:").state == "unreadable"


@pytest.mark.data
def test_a_windows_10_log_is_read_from_its_tail_copies_to_its_last_record() -> None:
    reader = LogReader(Bytes(unpacked("disks/ntfs/LogFile_10.bin")), "C:")
    records = list(reader.records())
    assert [record.lsn for record in records] == [0x8060A5, 0x8060B9, 0x80613F, 0x806158]
    assert [record.kind for record in records] == [CHECKPOINT, 1, 1, CHECKPOINT]
    reader.oldest = 0x805C78
    operations = [record.redo for record in reader.records() if record.kind == 1]
    assert operations.count(0x1B) == 6 and operations.count(0x07) == 5  # as ntfsrecover -f shows


@pytest.mark.data
def test_a_windows_7_log_is_read_over_hundreds_of_records_and_page_ends() -> None:
    reader = LogReader(Bytes(unpacked("disks/ntfs/LogFile_7.bin")), "C:")
    reader.oldest = 0x8009BA
    lsns = [record.lsn for record in reader.records()]
    assert len(lsns) == 763 and lsns == sorted(lsns)


def sound(folder: Path) -> RawFile:
    device = make_ntfs(folder)
    with NtfsVolume(device, "C:", writable=True) as volume:
        volume.mkdir("\\Windows")
        volume.create(TOUCHED, b"x" * 5000)
    return device


def logfile(device: BlockDevice) -> Stream:
    mft = Mft(device, read_boot(device, "C:"), "C:")
    log = mft.stream(mft.file(LOGFILE))
    assert log is not None
    return log


def test_a_crashed_volume_is_replayed_and_can_then_be_changed(tmp_path: Path) -> None:
    device = sound(tmp_path)
    before = NtfsVolume(device, "C:").stat(TOUCHED).modified
    after = mark_crashed(device, TOUCHED)
    assert after == before + LATER
    overlay = Overlay(device)
    volume = NtfsVolume(overlay, "C:", writable=True)
    state = volume.state()
    assert (state.journal, state.journal_version, state.dirty) == ("unclean", "2.0", True)
    assert volume.stat(TOUCHED).modified == before
    with pytest.raises(Refused):
        volume.create("\\new.txt", b"new")
    assert volume.prepare_journal(accept_discard=False)
    assert volume.stat(TOUCHED).modified == after
    assert (volume.state().journal, volume.state().journal_version) == ("clean", "1.1")
    volume.create("\\new.txt", b"new")
    volume.close()
    assert overlay.changed_bytes() < 65536
    assert NtfsVolume(overlay, "C:").read("\\new.txt") == b"new"
    assert not NtfsVolume(device, "C:").exists("\\new.txt")


@pytest.mark.parametrize("operation", [0x02, 0x03, 0x05, 0x06, 0x09])
def test_a_file_whose_clusters_the_journal_may_still_change_is_not_written_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, operation: int
) -> None:
    """The clusters it has on the disk may be another file's once Windows has replayed the journal."""
    device = sound(tmp_path)
    with NtfsVolume(device, "C:", writable=True) as volume:
        volume.create("\\other.txt", b"y" * 5000)
    monkeypatch.setattr(ntfs_marks, "_UPDATE_RESIDENT", operation)
    mark_crashed(device, TOUCHED)
    overlay = Overlay(device)
    volume = NtfsVolume(overlay, "C:")
    with pytest.raises(Refused, match="not on the disk yet"):
        volume.write_in_place(TOUCHED, 0, b"z" * 512)
    assert overlay.changed_bytes() == 0
    volume.write_in_place("\\other.txt", 0, b"z" * 512)
    assert overlay.changed_bytes() == 512


@pytest.mark.parametrize("operation", [0x07, 0x0B])
def test_new_times_and_sizes_do_not_keep_a_file_from_being_written_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, operation: int
) -> None:
    device = sound(tmp_path)
    monkeypatch.setattr(ntfs_marks, "_UPDATE_RESIDENT", operation)
    mark_crashed(device, TOUCHED)
    overlay = Overlay(device)
    NtfsVolume(overlay, "C:").write_in_place(TOUCHED, 0, b"z" * 512)
    assert overlay.changed_bytes() == 512


def test_what_has_reached_the_disk_keeps_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device = sound(tmp_path)
    monkeypatch.setattr(ntfs_marks, "_UPDATE_RESIDENT", 0x09)
    mark_crashed(device, TOUCHED)
    last = max(record.lsn for record in LogReader(logfile(device), "C:").records())
    begin_on_disk(device, last)
    overlay = Overlay(device)
    NtfsVolume(overlay, "C:").write_in_place(TOUCHED, 0, b"z" * 512)
    assert overlay.changed_bytes() == 512


def test_a_replay_on_the_clone_is_a_replay_on_the_whole_volume(tmp_path: Path) -> None:
    """ntfsrecover gets a full copy here; byte for byte it makes of it what our sparse clone gave."""
    device = sound(tmp_path)
    mark_crashed(device, TOUCHED)
    whole = copy_of(device)
    subprocess.run(["ntfsrecover", "--kill-fast-restart", str(whole)], check=True, capture_output=True)
    overlay = Overlay(device)
    NtfsVolume(overlay, "C:", writable=True).prepare_journal(accept_discard=False)
    with RawFile(whole) as replayed:
        assert overlay.read(0, overlay.size) == replayed.read(0, replayed.size)


def test_for_a_look_only_what_counts_of_a_log_is_read_and_the_volume_comes_out_the_same(tmp_path: Path) -> None:
    device = sound(tmp_path)
    mark_crashed(device, TOUCHED)
    size = logfile(device).size
    read, volumes = [], []
    for to_write in (False, True):
        overlay = Overlay(device)
        metered = Metered(overlay)
        NtfsVolume(metered, "C:", writable=True).prepare_journal(accept_discard=False, to_write=to_write)
        read.append(metered.bytes_read)
        volumes.append(overlay.read(0, overlay.size))
    assert volumes[0] == volumes[1]
    assert read[0] < size < read[1]


def end_otherwise(device: BlockDevice, operation: int) -> int:
    """Puts another operation where the last transaction ends, in the page and its tail copy; its LSN."""
    last = max(record.lsn for record in LogReader(logfile(device), "C:").records())
    for page in (2, 35):
        log = logfile(device)
        raw = log.read(page * 4096, 4096)
        at = raw.index(struct.pack("<Q", last), 0x40) + 0x30
        assert struct.unpack_from("<HH", raw, at) == (0x1B, 0x01)
        log.write(page * 4096 + at, struct.pack("<HH", operation, 0))
    return last


def begin_on_disk(device: BlockDevice, lsn: int) -> None:
    """The file record says that a change as late as `lsn` has reached it."""
    volume = NtfsVolume(device, "C:")
    raw = volume._mft.raw(volume.stat(TOUCHED).file_id & 0xFFFFFFFF)
    record = bytearray(raw.data)
    struct.pack_into("<Q", record, 8, lsn)
    volume._mft.write(volume.stat(TOUCHED).file_id & 0xFFFFFFFF, bytes(record))


def test_a_transaction_that_never_began_on_the_disk_is_left_out(tmp_path: Path) -> None:
    device = sound(tmp_path)
    before = NtfsVolume(device, "C:").stat(TOUCHED).modified
    mark_crashed(device, TOUCHED)
    end_otherwise(device, 0x00)
    volume = NtfsVolume(device, "C:", writable=True)
    assert volume.prepare_journal(accept_discard=False)
    assert volume.stat(TOUCHED).modified == before
    assert (volume.state().journal, volume.state().journal_version) == ("clean", "1.1")


@pytest.mark.parametrize(
    ("operation", "reason"),
    [
        pytest.param(0x00, "begun on the disk", id="an unfinished transaction"),
        pytest.param(0x3B, "is not known", id="an unknown operation"),
    ],
)
def test_what_cannot_be_replayed_safely_is_refused_until_it_may_be_given_up(
    tmp_path: Path, operation: int, reason: str
) -> None:
    device = sound(tmp_path)
    mark_crashed(device, TOUCHED)
    begin_on_disk(device, end_otherwise(device, operation))
    overlay = Overlay(device)
    volume = NtfsVolume(overlay, "C:", writable=True)
    with pytest.raises(Refused) as refused:
        volume.prepare_journal(accept_discard=False)
    assert reason in refused.value.reason and "--accept discard-ntfs-log" in refused.value.next_step
    assert overlay.changed_bytes() == 0
    assert volume.prepare_journal(accept_discard=True)
    assert (volume.state().journal, volume.state().dirty) == ("reset", True)
    volume.create("\\new.txt", b"new")
    volume.close()


def test_without_ntfsrecover_the_log_is_not_replayed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device = sound(tmp_path)
    mark_crashed(device, TOUCHED)
    monkeypatch.setattr("shutil.which", lambda *_args, **_names: None)
    with pytest.raises(Refused, match="ntfs-3g"):
        NtfsVolume(device, "C:", writable=True).prepare_journal(accept_discard=False)


def test_giving_the_log_up_changes_the_log_and_the_dirty_flag_only(tmp_path: Path) -> None:
    device = sound(tmp_path)
    log = logfile(device)
    places = list(log.places(0, log.initialized))
    log.write(0, b"broken")
    overlay = Overlay(device)
    volume = NtfsVolume(overlay, "C:", writable=True)
    assert volume.state().journal == "unreadable" and not volume.state().dirty
    with pytest.raises(Refused):
        volume.prepare_journal(accept_discard=False)
    volume.prepare_journal(accept_discard=True)
    assert volume.state().journal == "reset" and volume.state().dirty
    outside = [p for p in overlay.patches() if not any(at <= p.offset < at + size for at, size in places)]
    assert 0 < sum(len(patch.after) for patch in outside) <= 4096  # $Volume's record, in $MFT and in $MFTMirr


def test_a_log_that_2_0_closed_properly_is_made_1_1(tmp_path: Path) -> None:
    device = sound(tmp_path)
    mark_crashed(device, TOUCHED)
    for page in (0, 1):
        raw = bytearray(logfile(device).read(page * 4096, 4096))
        struct.pack_into("<HH", raw, 0x3C, 0xFFFF, 0x0002)  # no client, volume is clean
        logfile(device).write(page * 4096, bytes(raw))
    overlay = Overlay(device)
    volume = NtfsVolume(overlay, "C:", writable=True)
    assert (volume.state().journal, volume.state().journal_version) == ("clean", "2.0")
    with pytest.raises(Refused):
        volume.mkdir("\\folder")
    assert volume.prepare_journal(accept_discard=False)
    volume.mkdir("\\folder")
    volume.close()


@pytest.mark.parametrize("mark", [b"hibr", b"HIBR"])
def test_a_hibernated_volume_is_read_but_not_written(tmp_path: Path, mark: bytes) -> None:
    device = sound(tmp_path)
    with NtfsVolume(device, "C:", writable=True) as volume:
        volume.create("\\hiberfil.sys", mark + bytes(70_000))
    volume = NtfsVolume(device, "C:", writable=True)
    assert volume.state().hibernated
    assert volume.read(TOUCHED) == b"x" * 5000
    with pytest.raises(Refused, match="hibernated"):
        volume.create("\\new.txt", b"")
    with pytest.raises(Refused, match="hibernated"):
        volume.prepare_journal(accept_discard=True)
    volume.write_in_place("\\hiberfil.sys", 0, bytes(4))
    volume.create("\\new.txt", b"")
    volume.close()


def test_a_sound_volume_needs_no_preparation(tmp_path: Path) -> None:
    device = sound(tmp_path)
    overlay = Overlay(device)
    assert NtfsVolume(overlay, "C:", writable=True).prepare_journal(accept_discard=True) == ""
    assert overlay.changed_bytes() == 0
    with pytest.raises(InputError):
        NtfsVolume(device, "C:", writable=False).prepare_journal(accept_discard=False)


def test_log_records_of_damaged_logs_end_or_raise_but_never_hang(tmp_path: Path) -> None:
    device = sound(tmp_path)
    mark_crashed(device, TOUCHED)
    whole = logfile(device).read(0, 40 * 4096)
    dice = random.Random(7)
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(dice.randrange(1, 6)):
            page = dice.choice((0, 1, 2, 34, 35))
            data[page * 4096 + dice.randrange(0x900)] = dice.randrange(256)
        try:
            assert len(list(LogReader(Bytes(bytes(data)), "C:").records())) < 1000
        except ParseError:
            continue
