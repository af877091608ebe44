"""Damaged volumes: every answer is data or an error of ours, soon; the process always survives."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest
from bounded_work import bounded_work
from ntfs_samples import make_ntfs

from bootmend.disk.overlay import Overlay
from bootmend.disk.raw import RawFile
from bootmend.errors import BootmendError, InputError, ParseError
from bootmend.lab.wof_file import compact
from bootmend.volumes.ntfs import NtfsVolume
from bootmend.volumes.ntfs.boot import read_boot
from bootmend.volumes.ntfs.mft import Mft

TURNS = 200


def sample(folder: Path) -> Path:
    device = make_ntfs(folder, size=8 << 20)
    with NtfsVolume(device, "C:", writable=True) as volume:
        volume.mkdir("\\Windows")
        for number in range(60):
            volume.create(f"\\Windows\\file number {number}.sys", b"x" * (number * 333))
        volume.create("\\packed.dll", b"some text " * 5000)
        compact(volume, "\\packed.dll")
        volume.link("\\packed.dll", "\\Windows\\twin.dll")
    device.close()
    return Path(device.name)


def damage(overlay: Overlay, dice: random.Random) -> None:
    """Some bytes in file records, folders, or anywhere in the volume's first MiB."""
    boot = read_boot(overlay, "C:")
    mft = Mft(overlay, boot, "C:")
    places = [at + offset for at, size in mft.table.places(0, 110 * 1024) for offset in range(0, size, 1024)]
    for number in (5, mft.count - 1):
        for kind, name in ((0xA0, "$I30"), (0x80, "")):
            try:
                stream = mft.stream(mft.file(number), kind, name)
            except ParseError:
                continue
            if stream is not None:
                places += [at for at, _ in stream.places(0, stream.initialized)]
    for _ in range(dice.randrange(1, 12)):
        place = dice.choice(places) + dice.randrange(dice.choice((64, 200, 1024)))
        if dice.random() < 0.1:
            place = dice.randrange(1 << 20)
        overlay.write(place, bytes([dice.choice((0, 1, 0x7F, 0x80, 0xFF, dice.randrange(256)))]))


def use(volume: NtfsVolume) -> None:
    """Everything there is, each part on its own."""
    found = ["\\"]
    for folder in ("\\", "\\Windows"):
        try:
            found += [f"{folder}\\{entry.name}" for entry in volume.listdir(folder)]
        except BootmendError:
            continue
    for path in [*found, "\\$LogFile", "\\$Bitmap"]:
        for ask in (volume.stat, volume.extents, lambda path: volume.read(path, 1 << 24)):
            try:
                ask(path)
            except BootmendError:
                continue
    try:
        volume.state()
    except BootmendError:
        return


def change(volume: NtfsVolume) -> None:
    for deed in (
        lambda: volume.prepare_journal(accept_discard=True),
        lambda: volume.create("\\Windows\\new.sys", b"n" * 5000),
        lambda: volume.replace("\\Windows\\file number 7.sys", b"r" * 20_000),
        lambda: volume.replace("\\packed.dll", b"plain"),
        lambda: volume.rename("\\Windows\\file number 9.sys", "\\moved.sys"),
        lambda: volume.delete("\\Windows\\file number 30.sys"),
        volume.close,
    ):
        try:
            deed()
        except BootmendError:
            continue


def run(path: Path, writing: bool) -> None:
    """All turns, in a process of their own: a crash of the C library ends it with a signal."""
    for seed in range(TURNS):
        dice = random.Random(seed)
        with RawFile(path) as device:
            overlay = Overlay(device)
            damage(overlay, dice)
            with bounded_work(calls=None if seed % 10 else 5_000_000):
                try:
                    volume = NtfsVolume(overlay, "C:", writable=True)
                except InputError:
                    continue
                change(volume) if writing else use(volume)


@pytest.mark.parametrize("writing", [False, True], ids=["reading", "writing"])
def test_200_damaged_volumes(tmp_path: Path, writing: bool) -> None:
    path = sample(tmp_path)
    folders = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]
    code = (
        f"import sys; sys.path[:0] = {folders}; import test_ntfs_damage as t; t.run(t.Path({str(path)!r}), {writing})"
    )
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", code], check=False, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]


def test_a_loop_in_an_index_is_an_error(tmp_path: Path) -> None:
    with make_ntfs(tmp_path, size=8 << 20) as device:
        with NtfsVolume(device, "C:", writable=True) as volume:
            for number in range(200):
                volume.create(f"\\file number {number}.sys", b"")
        volume = NtfsVolume(device, "C:")
        root = volume._tree.file("\\")
        stream = volume._folders.stream(root)
        assert stream is not None
        from bootmend.binary import View
        from bootmend.volumes.ntfs.records import redo_fixups, undo_fixups

        for block in range(stream.size // 4096):  # every leaf claims that the first block is its child
            raw = stream.read(block * 4096, 4096)
            if raw[:4] != b"INDX":
                continue
            plain = bytearray(undo_fixups(View(raw, "index"), b"INDX").data)
            at = 0x18 + int.from_bytes(plain[0x18:0x1C], "little")
            while not plain[at + 0x0C] & 2:
                at += int.from_bytes(plain[at + 8 : at + 10], "little")
            plain[at + 8] = 0x18
            plain[at + 0x0C] |= 1
            plain[at + 0x10 : at + 0x18] = bytes(8)
            plain[0x1C:0x20] = (at + 0x18 - 0x18).to_bytes(4, "little")
            stream.write(block * 4096, redo_fixups(bytes(plain)))
        volume = NtfsVolume(device, "C:")
        with pytest.raises(ParseError):
            volume.listdir("\\")
        with pytest.raises(ParseError):
            volume.exists("\\zzzz")
