"""Commit, undo, history: what they promise on a disk that works, and when they refuse."""

from __future__ import annotations

import errno
import hashlib
import os
import random
import resource
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bootmend.commit import commit, history, journal_folder, patches_of, pending, recover, undo
from bootmend.commit.files import Files, sole_user
from bootmend.disk.device import BlockDevice, Patch
from bootmend.disk.overlay import Overlay
from bootmend.disk.raw import RawFile
from bootmend.errors import DeviceError, InputError, Missing, Misuse, Refused

ID = {"table": "{0c5e8a52-0000-0000-0000-000000000001}"}


class Disk:
    """An image file with its journal folder beside it."""

    def __init__(self, folder: Path, content: bytes) -> None:
        self.image = folder / "disk.img"
        self.image.write_bytes(content)
        self.folder = journal_folder(str(self.image))

    @property
    def content(self) -> bytes:
        return self.image.read_bytes()

    def commit(self, *patches: Patch, files: Files | None = None) -> Path:
        with RawFile(self.image, writable=True) as device:
            report = commit(device, patches, self.folder, identity=ID, meta={"n": 1}, files=files or Files())
        assert report.verified
        assert report.journal is not None
        return report.journal

    def replace(self, offset: int, after: bytes) -> Path:
        return self.commit(Patch(offset, self.content[offset : offset + len(after)], after))

    def undo(self, journal: Path) -> None:
        with RawFile(self.image, writable=True) as device:
            undo(device, journal)

    def recover(self) -> list[str]:
        with RawFile(self.image, writable=True) as device:
            return [one.what for one in recover(device, self.folder)]


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path, random.Random(1).randbytes(64 * 1024))


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_any_patches_go_on_and_come_off_bit_by_bit(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 300_000), label="size")
    chance = random.Random(data.draw(st.integers(0, 2**32), label="seed"))
    old = chance.randbytes(size) if chance.random() < 0.5 else bytes(size)
    writes = data.draw(st.lists(st.tuples(st.integers(0, size - 1), st.integers(1, 70_000), st.booleans()), max_size=8))
    with TemporaryDirectory() as folder:
        disk = Disk(Path(folder), old)
        with RawFile(disk.image, writable=True) as device, Overlay(device) as overlay:
            for offset, wanted, plain in writes:
                length = min(wanted, size - offset)
                overlay.write(offset, bytes(length) if plain else chance.randbytes(length))
            new = overlay.read(0, size)
            planned = list(overlay.patches())
            report = commit(device, overlay.patches(), disk.folder, identity=ID, meta={})
            assert disk.content == new
            if report.journal is None:
                assert new == old
                assert not disk.folder.exists()
                return
            assert list(patches_of(report.journal)) == planned
            assert (report.patches, report.bytes) == (len(planned), sum(len(patch.after) for patch in planned))
            undone = undo(device, report.journal)
            assert (undone.patches, undone.bytes) == (report.patches, report.bytes)
            assert disk.content == old


def test_nothing_to_change_leaves_no_trace(disk: Disk) -> None:
    was, changed = disk.content, disk.image.stat().st_mtime_ns
    with RawFile(disk.image, writable=True) as device:
        report = commit(device, [Patch(0, was[:512], was[:512])], disk.folder, identity=ID, meta={})
    assert (report.journal, report.patches, report.bytes) == (None, 0, 0)
    assert not disk.folder.exists()
    assert disk.image.stat().st_mtime_ns == changed


def test_what_reads_after_already_is_left_out_and_undo_stays_exact(disk: Disk) -> None:
    was = disk.content
    there = Patch(512, bytes(512), was[512:1024])
    journal = disk.commit(Patch(0, was[:512], bytes(512)), there)
    assert [patch.offset for patch in patches_of(journal)] == [0]
    disk.undo(journal)
    assert disk.content == was


def test_a_disk_changed_since_is_refused_with_nothing_written(disk: Disk) -> None:
    was = bytearray(disk.content)
    patches = [Patch(at, bytes(was[at : at + 512]), bytes(512)) for at in range(0, 8192, 1024)]
    was[7200] ^= 1
    disk.image.write_bytes(was)
    with pytest.raises(Refused, match="0x1c20") as refused:
        disk.commit(*patches)
    assert "run the repair again" in refused.value.next_step
    assert disk.content == was
    assert list(disk.folder.iterdir()) == []


def test_a_disk_changed_while_the_journal_was_written_is_refused(disk: Disk) -> None:
    was = disk.content

    class Meddler(Files):
        def sync(self, handle: int) -> None:
            super().sync(handle)
            with disk.image.open("r+b") as other:
                other.seek(600)
                other.write(b"!")

    with pytest.raises(Refused, match="0x258"):
        disk.commit(Patch(0, was[:1024], bytes(1024)), files=Meddler())
    assert disk.content == was[:600] + b"!" + was[601:]
    assert list(disk.folder.iterdir()) == []


def test_undo_refuses_what_was_changed_since_with_nothing_written(disk: Disk) -> None:
    journal = disk.replace(0, bytes(4096))
    mixed = bytearray(disk.content)
    mixed[100] = 1
    disk.image.write_bytes(mixed)
    for _ in range(2):
        with pytest.raises(Refused, match="0x64") as refused:
            disk.undo(journal)
        assert str(journal) in refused.value.next_step
    assert disk.content == mixed
    assert [entry.state for entry in history(disk.folder)] == ["committed"]


def test_old_and_new_mixed_is_no_crash_of_a_finished_commit(disk: Disk) -> None:
    was = disk.content
    journal = disk.replace(0, bytes(4096))
    half = bytes(2048) + was[2048:]
    disk.image.write_bytes(half)
    with pytest.raises(Refused, match="0x800"):
        disk.undo(journal)
    assert disk.content == half


def test_undo_takes_back_what_already_reads_before(disk: Disk) -> None:
    was = disk.content
    patches = [Patch(at, was[at : at + 512], bytes(512)) for at in (0, 2048)]
    journal = disk.commit(*patches)
    now = bytearray(disk.content)
    now[0:512] = was[0:512]
    disk.image.write_bytes(now)
    disk.undo(journal)
    assert disk.content == was


def test_undoing_twice_is_refused_plainly(disk: Disk) -> None:
    journal = disk.replace(0, bytes(512))
    disk.undo(journal)
    with pytest.raises(Refused, match="undone already"):
        disk.undo(journal)


@pytest.mark.parametrize("newer_at", [100, 32768])
def test_commits_come_off_in_reverse_order(disk: Disk, newer_at: int) -> None:
    """Also where their bytes do not meet: the newer one may rest on clusters the older one allocated."""
    was = disk.content
    older = disk.replace(0, bytes(512))
    newer = disk.replace(newer_at, b"\xaa" * 512)
    now = disk.content
    with pytest.raises(Refused, match=newer.name) as refused:
        disk.undo(older)
    assert newer.name in refused.value.next_step
    assert disk.content == now
    disk.undo(newer)
    disk.undo(older)
    assert disk.content == was


def test_a_shared_folder_keeps_disks_apart(disk: Disk, tmp_path: Path) -> None:
    """`--journal-dir` may name one folder for many disks: another one's newer commit is not in the way."""
    (tmp_path / "b").mkdir()
    other = Disk(tmp_path / "b", disk.content)
    journal = disk.replace(0, bytes(512))
    with RawFile(other.image, writable=True) as device:
        patch = Patch(0, other.content[:512], b"b" * 512)
        report = commit(device, [patch], disk.folder, identity={"table": "other"}, meta={})
        assert report.journal is not None
        with pytest.raises(Refused, match="is not the disk of"):
            undo(device, journal, identity={"table": "other"})
        undo(device, report.journal, identity={"table": "other"})
    disk.undo(journal)


def test_the_wrong_disk_is_refused(disk: Disk, tmp_path: Path) -> None:
    journal = disk.replace(0, bytes(512))
    for name, size in (("longer", 65 * 1024), ("as long", 64 * 1024)):
        (tmp_path / name).mkdir()
        wrong = Disk(tmp_path / name, b"\x11" * size)
        with pytest.raises(Refused):
            wrong.undo(journal)
        assert wrong.content == b"\x11" * size
    with RawFile(disk.image) as device, pytest.raises(DeviceError, match="read-only"):
        undo(device, journal)
    with pytest.raises(Missing):
        disk.undo(journal.with_name("000009-x.journal"))
    with pytest.raises(InputError):
        disk.undo(tmp_path / "no folder" / "x.journal")


def test_patches_out_of_order_or_uneven_are_misuse(disk: Disk) -> None:
    was = disk.content
    one, two = Patch(0, was[:512], bytes(512)), Patch(256, was[256:768], bytes(512))
    for patches in ([one, two], [two, one], [Patch(0, was[:10], bytes(9))]):
        with pytest.raises(Misuse):
            disk.commit(*patches)
    with pytest.raises(DeviceError, match="outside"):
        disk.commit(Patch(64 * 1024 - 10, bytes(20), bytes(20)))
    with RawFile(disk.image) as device, pytest.raises(DeviceError, match="read-only"):
        commit(device, [one], disk.folder, identity=ID, meta={})
    with RawFile(disk.image, writable=True) as device, pytest.raises(TypeError):
        commit(device, [one], disk.folder, identity=ID, meta={"not": object()})
    assert disk.content == was
    assert not disk.folder.exists() or list(disk.folder.iterdir()) == []


def test_history_tells_what_was_done_in_order(disk: Disk) -> None:
    first = disk.replace(0, bytes(512))
    second = disk.replace(1024, bytes(1024))
    disk.undo(second)
    with RawFile(disk.image, writable=True) as device:
        patch = Patch(2048, disk.content[2048:2050], b"\xff\xfe")
        meta = {"plan": "Startsicherung für „C:“", "deep": [1, None, {"a": True}]}
        third = commit(device, [patch], disk.folder, identity=ID, meta=meta).journal
    entries = history(disk.folder)
    assert [entry.journal for entry in entries] == [first, second, third]
    assert [entry.state for entry in entries] == ["committed", "undone", "committed"]
    assert [(entry.patches, entry.bytes) for entry in entries] == [(1, 512), (1, 1024), (1, 2)]
    assert entries[2].meta == meta
    assert entries[2].identity == ID
    assert entries[0].when <= entries[1].when <= entries[2].when
    assert entries[0].when.utcoffset() is not None
    assert pending(disk.folder) == []
    assert disk.recover() == []
    nowhere = disk.folder.with_name("none")
    assert (history(nowhere), pending(nowhere)) == ([], [])


def test_a_damaged_journal_is_said_in_the_history_and_hides_no_other(disk: Disk) -> None:
    first, second, third = (disk.replace(at, bytes(512)) for at in (0, 1024, 2048))
    content = bytearray(first.read_bytes())
    content[400] ^= 0x40
    first.write_bytes(content)
    second.write_bytes(b"")
    entries = history(disk.folder)
    assert [entry.state for entry in entries] == ["damaged", "damaged", "committed"]
    assert "SHA-256" in entries[0].problem
    assert str(second) in entries[1].problem
    assert entries[0].meta == {"n": 1}
    disk.undo(third)
    with pytest.raises(Refused, match="damaged") as refused:
        disk.undo(first)
    assert "move the file out" in refused.value.next_step


def test_an_interrupted_commit_must_be_recovered_first(disk: Disk) -> None:
    class Dead(RawFile):
        def _write(self, offset: int, data: bytes) -> None:
            if self.dead:
                raise DeviceError("cable pulled")
            super()._write(offset, data)
            self.dead = True

        dead = False

    was = disk.content
    patches = [Patch(at, was[at : at + 512], bytes(512)) for at in (0, 2048)]
    with Dead(disk.image, writable=True) as device, pytest.raises(DeviceError) as failed:
        commit(device, patches, disk.folder, identity=ID, meta={})
    (journal,) = pending(disk.folder)
    assert all(word in str(failed.value) for word in ("cable pulled", "half written", str(journal), "bootmend undo"))
    assert disk.content != was
    assert [entry.state for entry in history(disk.folder)] == ["interrupted"]
    with pytest.raises(Refused, match="interrupted"):
        disk.replace(4096, bytes(1))
    with RawFile(disk.image, writable=True) as another:
        assert recover(another, disk.folder, identity={"table": "another disk"}) == []
    assert disk.recover() == ["rolled-back"]
    assert disk.content == was
    assert disk.recover() == []
    assert [entry.state for entry in history(disk.folder)] == ["rolled-back"]
    disk.replace(4096, bytes(1))


def test_recover_refuses_a_disk_that_someone_else_wrote_to(disk: Disk) -> None:
    was = disk.content

    class Dead(RawFile):
        def _write(self, offset: int, data: bytes) -> None:
            raise DeviceError("gone")

        def _read(self, offset: int, length: int) -> bytes:
            return super()._read(offset, length) if not pending(disk.folder) else bytes(length)

    with Dead(disk.image, writable=True) as device, pytest.raises(DeviceError):
        commit(device, [Patch(0, was[:512], b"\xff" * 512)], disk.folder, identity=ID, meta={})
    strange = b"?" + was[1:]
    disk.image.write_bytes(strange)
    with pytest.raises(Refused, match="neither as before nor as after"):
        disk.recover()
    assert disk.content == strange
    disk.image.write_bytes(was)
    assert disk.recover() == ["rolled-back"]


def test_a_write_that_does_not_read_back_is_put_back(disk: Disk) -> None:
    was = disk.content

    class Liar(RawFile):
        lies = True

        def _write(self, offset: int, data: bytes) -> None:
            if self.lies:
                type(self).lies = False
                data = data[:-1] + bytes([data[-1] ^ 1])
            super()._write(offset, data)

    with Liar(disk.image, writable=True) as device, pytest.raises(DeviceError, match="does not read back"):
        commit(device, [Patch(0, was[:512], bytes(512))], disk.folder, identity=ID, meta={})
    assert disk.content == was
    assert pending(disk.folder) == []


@contextmanager
def _files_of_at_most(size: int) -> Iterator[None]:
    """The kernel refuses longer files: EFBIG, since Python ignores the signal."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_no_room_for_the_journal_leaves_the_disk_untouched(disk: Disk) -> None:
    was = disk.content
    with _files_of_at_most(20_000), pytest.raises(Refused, match="Nothing was written") as refused:
        disk.replace(0, bytes(60_000))
    assert "--journal-dir" in refused.value.next_step
    assert disk.content == was
    assert list(disk.folder.iterdir()) == []


@pytest.mark.parametrize("step", ["create", "write", "sync", "rename", "sync_folder"])
def test_a_journal_that_cannot_be_made_leaves_the_disk_untouched(
    disk: Disk, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    was = hashlib.sha256(disk.content).digest()
    disk.folder.mkdir()
    with monkeypatch.context() as patched:
        patched.setattr(Files, step, full)
        with pytest.raises(Refused, match="No space left"):
            disk.replace(0, bytes(512))
    assert hashlib.sha256(disk.content).digest() == was
    assert list(disk.folder.iterdir()) == []


def test_a_folder_that_takes_no_file_is_refused(disk: Disk) -> None:
    was = disk.content
    kernel = [Path(place, "bootmend") for place in ("/sys", "/proc/1") if os.path.ismount(f"/{place.split('/')[1]}")]
    for folder in (*kernel, disk.image / "journals", disk.image):
        with RawFile(disk.image, writable=True) as device, pytest.raises(Refused, match="Nothing was written"):
            commit(device, [Patch(0, was[:1], b"\xff")], folder, identity=ID, meta={})
    assert disk.content == was


def test_a_read_only_folder_is_refused(disk: Disk) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    disk.folder.mkdir(mode=0o500)
    was = disk.content
    with pytest.raises(Refused, match="Permission denied"):
        disk.replace(0, bytes(512))
    assert disk.content == was


def test_one_at_a_time_in_a_folder(disk: Disk) -> None:
    was = disk.content
    disk.folder.mkdir()
    with sole_user(disk.folder), pytest.raises(Refused, match="Another bootmend"):
        disk.replace(0, bytes(512))
    assert disk.content == was
    disk.replace(0, bytes(512))


def test_journals_are_for_their_owner_only(disk: Disk) -> None:
    """They hold pieces of registries, secrets included."""
    journal = disk.replace(0, bytes(512))
    assert journal.stat().st_mode & 0o077 == 0
    assert disk.folder.stat().st_mode & 0o077 == 0


def test_where_the_journals_lie(tmp_path: Path) -> None:
    image = tmp_path / "os.vhd"
    image.write_bytes(b"x")
    link = tmp_path / "link"
    link.symlink_to(image)
    beside = tmp_path.resolve() / "os.vhd.bootmend"
    assert journal_folder(str(image)) == journal_folder(str(link)) == beside
    assert journal_folder("https://a.example/os.vhd?sig=s", tmp_path) == tmp_path
    with pytest.raises(Refused) as refused:
        journal_folder("https://a.example/os.vhd?sig=secret")
    assert "secret" not in str(refused.value)
    assert "--journal-dir" in str(refused.value)
    device = next((path for path in sorted(Path("/dev").iterdir()) if path.is_block_device()), None)
    if device is not None:
        with pytest.raises(Refused):
            journal_folder(str(device))


class _Pattern(BlockDevice):
    """A large device that needs no memory: every 64 KiB block is one byte, and remembers which."""

    def __init__(self, size: int) -> None:
        self.name, self.size, self.writable = "pattern", size, True
        self.block = bytearray(size >> 16)

    def _read(self, offset: int, length: int) -> bytes:
        return b"".join(bytes([self.block[at >> 16]]) * 65536 for at in range(offset, offset + length, 65536))

    def _write(self, offset: int, data: bytes) -> None:
        for at in range(0, len(data), 65536):
            assert data[at : at + 65536].count(data[at]) == 65536
            self.block[(offset + at) >> 16] = data[at]


def test_memory_does_not_grow_with_the_patches(tmp_path: Path) -> None:
    device = _Pattern(128 << 20)
    patches = (Patch(at << 20, bytes(1 << 20), b"\x01" * (1 << 20)) for at in range(device.size >> 20))
    tracemalloc.start()
    try:
        report = commit(device, patches, tmp_path / "j", identity={}, meta={})
        assert report.bytes == device.size
        assert device.block.count(1) == len(device.block)
        assert report.journal is not None
        undo(device, report.journal)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert device.block.count(0) == len(device.block)
    assert peak < 24 << 20


def test_a_long_patch_is_cut_into_records(tmp_path: Path) -> None:
    chance = random.Random(5)
    disk = Disk(tmp_path, chance.randbytes(3 << 20))
    was = disk.content
    journal = disk.replace(777, chance.randbytes(2_500_000))
    assert [len(patch.after) for patch in patches_of(journal)] == [1 << 20, 1 << 20, 2_500_000 - (2 << 20)]
    disk.undo(journal)
    assert disk.content == was
