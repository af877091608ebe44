"""`bootmend files` on NTFS and FAT, read back by pytsk3 and mtools; what cannot be done, and how that is said."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import pytsk3
from command_line import command, said
from fat_images import make_fat
from ntfs_samples import make_ntfs
from small_machine import small_machine

from bootmend.commands.files import attribute_letters, hash_file, put_file, read_file, reparse_kind
from bootmend.commands.places import Place, find_place, normal_path
from bootmend.disk.container import open_disk
from bootmend.disk.device import Window
from bootmend.disk.digest import data_digest
from bootmend.disk.overlay import Overlay
from bootmend.errors import BootmendError, InputError, Missing, Misuse, Refused
from bootmend.lab.wof_file import compact
from bootmend.volumes.ntfs import NtfsVolume
from bootmend.windows.image import Image

DRIVER = r"\Windows\System32\drivers\filecrypt.sys"
NOISE = random.Random(24).randbytes(300_000)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A copy of the generation 2 machine: FAT32 is partition 1, NTFS partition 3."""
    path = tmp_path / "os disk.raw"
    subprocess.run(["cp", "--sparse=always", str(small_machine(2).path), str(path)], check=True)
    yield path
    path.unlink()


def starts(path: Path) -> dict[int, int]:
    with open_disk(str(path)) as device:
        return {partition.number: partition.start for partition in Image(device).partitions}


def digest(path: Path) -> str:
    with open_disk(str(path)) as device:
        return data_digest(device)[0]


def tsk(path: Path, name: str) -> bytes:
    """A file of the NTFS volume, read by The Sleuth Kit."""
    system = pytsk3.FS_Info(pytsk3.Img_Info(str(path)), offset=starts(path)[3])
    file = system.open(name.replace("\\", "/"))
    data: bytes = file.read_random(0, file.info.meta.size) if file.info.meta.size else b""
    return data


def mtools(path: Path, name: str) -> bytes:
    """A file of the FAT volume, read by mtools."""
    if shutil.which("mcopy") is None:
        pytest.skip("mtools is not installed")
    words = ["mcopy", "-n", "-i", f"{path}@@{starts(path)[1]}", f"::{name.replace(chr(92), '/')}", "-"]
    return subprocess.run(words, capture_output=True, check=True).stdout


def test_put_and_get_on_ntfs(disk: Path, tmp_path: Path) -> None:
    before = digest(disk)
    old = tsk(disk, DRIVER)
    with open_disk(str(disk)) as device:
        security = security_of(Image(device), DRIVER)
    local = tmp_path / "good.sys"
    local.write_bytes(NOISE)
    done = command("files", "put", disk, DRIVER, local)
    assert done.returncode == 0, said(done)
    assert tsk(disk, DRIVER) == NOISE
    with open_disk(str(disk)) as device:
        assert security_of(Image(device), DRIVER) == security
    got = command("files", "get", disk, DRIVER, "-o", "-")
    assert (got.returncode, got.stdout) == (0, NOISE)
    assert command("undo", disk).returncode == 0
    assert digest(disk) == before
    assert tsk(disk, DRIVER) == old


def security_of(image: Image, path: str) -> bytes:
    volume = image.volume(3)
    assert isinstance(volume, NtfsVolume)
    return volume.security(path)


def test_put_and_get_on_fat(disk: Path, tmp_path: Path) -> None:
    local = tmp_path / "new.efi"
    local.write_bytes(NOISE)
    path = r"\EFI\Microsoft\Boot\a long name.efi"
    assert command("files", "put", disk, f"1:{path}", local).returncode == 4
    done = command("files", "put", disk, f"1:{path}", local, "--create")
    assert done.returncode == 0, said(done)
    assert mtools(disk, path) == NOISE
    local.write_bytes(b"short")
    assert command("files", "put", disk, f"1:{path.upper()}", local).returncode == 0
    assert mtools(disk, path) == b"short"
    got = command("files", "get", disk, f"1:{path}", "-o", tmp_path / "back")
    assert got.returncode == 0
    assert (tmp_path / "back").read_bytes() == b"short"
    assert command("files", "rm", disk, f"1:{path}").returncode == 0
    assert command("files", "get", disk, f"1:{path}", "-o", "-").returncode == 4


def test_put_keeps_every_name_of_a_hard_link(disk: Path) -> None:
    with open_disk(str(disk)) as device:
        image = Image(device)
        assert image.volume(3).stat(DRIVER).links > 1
    truth = next(one for one in small_machine(2).manifest.binaries if one.name.lower() == "filecrypt.sys")
    twins = [path for path in truth.same_file if path.lower() != DRIVER.lower()]
    assert twins
    done = command("files", "put", disk, DRIVER, "-", stdin=NOISE)
    assert done.returncode == 0, said(done)
    assert tsk(disk, twins[0]) == NOISE


def test_a_new_file_gets_owner_and_acl_of_one_beside_it(disk: Path) -> None:
    done = command("files", "put", disk, r"C:\Windows\System32\drivers\new.sys", "-", "--create", stdin=NOISE)
    assert done.returncode == 0, said(done)
    assert tsk(disk, r"\Windows\System32\drivers\new.sys") == NOISE
    with open_disk(str(disk)) as device:
        image = Image(device)
        assert security_of(image, r"\Windows\System32\drivers\new.sys") == security_of(image, DRIVER)


def test_dry_run_writes_nothing(disk: Path) -> None:
    before = digest(disk)
    done = command("files", "put", disk, DRIVER, "-", "--dry-run", stdin=NOISE)
    assert done.returncode == 0
    assert b"Nothing was written" in done.stdout
    assert command("files", "rm", disk, DRIVER, "--dry-run").returncode == 0
    assert digest(disk) == before
    assert not list(disk.parent.glob("*.bootmend/*.journal"))


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["put", DRIVER + "x", "-"], 4, "there is no such file. To make a new one, add --create"),
        (["put", r"\Windows\nofolder\x.sys", "-", "--create"], 4, r"3:\Windows\nofolder: there is no such folder"),
        (["put", r"\Windows\System32", "-"], 4, "is a folder, not a file"),
        (["put", DRIVER + r"\x.sys", "-", "--create"], 4, "is a file, not a folder"),
        (["put", r"1:\EFI\BOOT\..\..\..\EFI", "-"], 4, "is a folder, not a file"),
        (["put", r"\Windows\a?b", "-", "--create"], 2, "is no path"),
        (["put", r"\Windows\x:stream", "-", "--create"], 2, "names a stream"),
        (["put", r"Windows\x", "-", "--create"], 2, "does not begin at a root"),
        (["put", DRIVER, "/nowhere/at/all"], 4, "cannot be read"),
        (["get", r"\Windows", "-o", "-"], 4, "is a folder"),
        (["get", r"\Windows\nothere", "-o", "-"], 4, "does not exist"),
        (["ls", r"\nothere"], 4, "does not exist"),
        (["ls", r"9:\x"], 4, "9"),
        (["ls", r"2:\x"], 4, "2"),
        (["ls", r"Q:\x"], 4, "no volume of it Q:"),
        (["hash", r"\Windows"], 4, "is a folder"),
        (["rm", r"\Windows\System32"], 3, "not empty"),
        (["rm", "\\"], 2, "root"),
        (["rm", DRIVER, r"\Windows\nothere"], 4, "does not exist"),
    ],
)
def test_what_cannot_be_done(disk: Path, words: list[str], code: int, sentence: str) -> None:
    before = digest(disk)
    done = command("files", words[0], disk, *words[1:], stdin=b"x")
    assert done.returncode == code, said(done)
    assert sentence in said(done)
    assert done.stdout == b""
    assert digest(disk) == before


@pytest.mark.parametrize("kind", ["ntfs", "fat"])
def test_a_full_volume(kind: str, tmp_path: Path) -> None:
    """On a volume attached alone, without a partition table."""
    if kind == "ntfs":
        make_ntfs(tmp_path).close()
        path = tmp_path / "volume.ntfs"
    else:
        make_fat(tmp_path, 16, 34).under.close()
        path = tmp_path / "fat16.raw"
    before = digest(path)
    full = command("files", "put", path, r"1:\big.bin", "-", "--create", stdin=bytes(40 << 20))
    assert full.returncode == 3, said(full)
    assert "no room" in said(full) or "free clusters" in said(full)
    assert digest(path) == before
    fits = command("files", "put", path, r"1:\small.bin", "-", "--create", stdin=NOISE)
    assert fits.returncode == 0, said(fits)
    assert command("files", "get", path, r"1:\small.bin", "-o", "-").stdout == NOISE
    full = command("files", "put", path, r"1:\small.bin", "-", stdin=bytes(40 << 20))
    assert full.returncode == 3
    assert command("files", "get", path, r"1:\small.bin", "-o", "-").stdout == NOISE
    assert command("undo", path).returncode == 0
    assert digest(path) == before


def test_a_read_only_image(disk: Path) -> None:
    """By somebody who may not write it; root may, unless that right is taken away."""
    disk.chmod(0o444)
    without = ["setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override"] if os.geteuid() == 0 else []
    if without and subprocess.run([*without, "true"], capture_output=True, check=False).returncode:
        pytest.skip("root's rights cannot be taken away here (setpriv)")
    before = digest(disk)
    words = [*without, sys.executable, "-m", "bootmend", "files", "put", str(disk), DRIVER, "-"]
    done = subprocess.run(words, capture_output=True, check=False, input=b"x")
    assert done.returncode == 4, done.stderr.decode()
    assert b"permission denied" in done.stderr
    assert digest(disk) == before


def test_ls_says_what_other_readers_say(disk: Path) -> None:
    done = command("files", "ls", disk, r"\Windows\System32", "--json")
    listed = json.loads(done.stdout)
    assert listed["schema"] == "bootmend.files/1"
    assert listed["path"] == r"3:\Windows\System32"
    system = pytsk3.FS_Info(pytsk3.Img_Info(str(disk)), offset=starts(disk)[3])
    theirs = {}
    for entry in system.open_dir("/Windows/System32"):
        name = entry.info.name.name.decode()
        if name not in (".", "..") and entry.info.meta is not None:
            folder = entry.info.meta.type == pytsk3.TSK_FS_META_TYPE_DIR
            theirs[name] = 0 if folder else entry.info.meta.size
    assert {entry["name"]: entry["size"] for entry in listed["entries"]} == theirs
    lines = command("files", "ls", disk, r"1:\EFI\Microsoft\Boot").stdout.decode().splitlines()
    assert any(line.startswith("---A") and line.endswith("  bootmgfw.efi") for line in lines)
    assert any("<DIR>" in line and line.endswith("  Fonts") for line in lines)
    alone = command("files", "ls", disk, DRIVER).stdout.decode()
    assert alone.count("\n") == 1
    assert "filecrypt.sys" in alone


def test_wof_files_are_got_as_windows_reads_them(disk: Path) -> None:
    packed, plain = DRIVER, tsk(disk, DRIVER)
    with open_disk(str(disk), writable=True) as device:
        windows = Image(device).partitions[-1]
        volume = NtfsVolume(Window(device, windows.start, windows.size), "C:", writable=True)
        volume.prepare_journal(accept_discard=False)
        compact(volume, packed, 1)
        volume.close()
    size = len(plain)
    got = command("files", "get", disk, packed, "-o", "-")
    assert len(got.stdout) == size
    assert got.stdout == plain
    assert tsk(disk, packed) != plain
    assert b"[wof]" in command("files", "ls", disk, packed).stdout
    hashed = json.loads(command("files", "hash", disk, packed, "--json").stdout)["hashes"][0]
    assert hashed["sha256"] == hashlib.sha256(got.stdout).hexdigest()
    assert hashed["size"] == size


def test_hash(disk: Path) -> None:
    with open_disk(str(disk)) as device:
        image = Image(device)
        place = find_place(image, DRIVER)
        content = b"".join(read_file(image, place))
        hashes = hash_file(image, place)
        assert hashes.sha1 == hashlib.sha1(content).hexdigest()
        assert hashes.sha256 == hashlib.sha256(content).hexdigest()
        truth = next(one for one in small_machine(2).manifest.binaries if one.name.lower() == "filecrypt.sys")
        assert hashes.authenticode_sha256 == truth.sha256
        plain = hash_file(image, find_place(image, r"1:\EFI\Microsoft\Boot\BCD"))
        assert plain.authenticode_sha256 == ""
    done = command("files", "hash", disk, DRIVER, r"1:\EFI\Microsoft\Boot\BCD")
    assert hashes.authenticode_sha1 in done.stdout.decode()
    assert plain.sha256 in done.stdout.decode()


def test_reading_never_opens_the_disk_for_writing(disk: Path) -> None:
    """A second writer would be refused; readers are not, and leave no lock, journal or change."""
    stat = disk.stat()
    with open_disk(str(disk), writable=True):
        for words in (["ls", DRIVER], ["hash", DRIVER], ["get", DRIVER, "-o", "-"]):
            done = command("files", words[0], disk, *words[1:])
            assert done.returncode == 0, said(done)
        assert command("files", "put", disk, DRIVER, "-", stdin=b"x").returncode == 3
    assert disk.stat().st_mtime_ns == stat.st_mtime_ns
    assert not list(disk.parent.glob("*.bootmend/*.journal"))


def test_get_does_not_write_over_a_file_unasked(disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert command("files", "get", disk, DRIVER).returncode == 0
    first = (tmp_path / "filecrypt.sys").read_bytes()
    again = command("files", "get", disk, DRIVER)
    assert again.returncode == 3
    assert "exists already" in said(again)
    assert command("files", "get", disk, r"\Windows", "-o", tmp_path / "none").returncode == 4
    assert not (tmp_path / "none").exists()
    assert command("files", "get", disk, DRIVER, "-o", "/nowhere/x").returncode == 4
    assert (tmp_path / "filecrypt.sys").read_bytes() == first


def test_random_files_put_and_read_back_by_others(disk: Path) -> None:
    chance = random.Random(7)
    wanted: dict[Place, bytes] = {}
    with open_disk(str(disk), writable=True) as device:
        overlay = Overlay(device)
        image = Image(overlay)
        for number in range(40):
            volume = chance.choice((1, 3))
            place = Place(volume, rf"\{'EFI' if volume == 1 else 'Windows'}\file {chance.randrange(12)}.bin")
            data = chance.randbytes(chance.choice((0, 1, 700, 4096, 40_000, 200_000)))
            put_file(image, place, data, create=True)
            wanted[place] = data
            if number % 10 == 9:
                image.flush()
        image.close()
        for patch in overlay.patches():
            device.write(patch.offset, patch.after)
    for place, data in wanted.items():
        assert (mtools if place.volume == 1 else tsk)(disk, place.path) == data


@pytest.mark.parametrize(
    ("word", "path"),
    [
        (r"\Windows\.\x\..\System32", r"\Windows\System32"),
        ("/Windows//System32/", r"\Windows\System32"),
        (r"\..\..\Windows", r"\Windows"),
        ("\\", "\\"),
    ],
)
def test_paths(word: str, path: str) -> None:
    assert normal_path(word, word) == path


def test_a_path_that_is_too_long() -> None:
    with pytest.raises(Misuse):
        normal_path("\\a" * 40_000, "x")


def test_letters_and_kinds() -> None:
    assert attribute_letters(0x27) == "RHSA"
    assert attribute_letters(0x10) == "----"
    assert reparse_kind(0) == ""
    assert reparse_kind(0x9000601A) == "cloud"
    assert reparse_kind(0xA0000003) == "junction"
    assert reparse_kind(0x12345678) == "0x12345678"


def test_too_much_at_once(disk: Path) -> None:
    with open_disk(str(disk)) as device:
        image = Image(Overlay(device))

        class Long(bytes):
            def __len__(self) -> int:
                return (1 << 30) + 1

        with pytest.raises(Refused):
            put_file(image, Place(3, DRIVER), Long(), create=False)
        with pytest.raises(Missing):
            put_file(image, Place(3, "\\nothing"), b"", create=False)
        with pytest.raises(InputError):
            list(read_file(image, Place(3, "\\Windows")))
        with pytest.raises(BootmendError):
            find_place(image, "7:\\x")
