"""Repairs that meet resistance: half of it possible, other containers, odd paths, a person who answers."""

from __future__ import annotations

import ctypes
import json
import os
import pty
import select
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from small_machine import small_machine
from strange_machines import DRIVERS, Strange, strange

from bootmend.disk.container import open_disk
from bootmend.disk.digest import data_digest
from bootmend.errors import Refused
from bootmend.formats.dcs import expand_dcs
from bootmend.lab.faults import apply_fault
from bootmend.libwim import LZMS, load_libwim
from bootmend.volumes.ntfs import NtfsVolume

FILECRYPT = f"{DRIVERS}\\filecrypt.sys"
ACPI = f"{DRIVERS}\\ACPI.sys"


def everywhere(odd: Strange, name: str) -> None:
    """No sound copy of it is left."""
    odd.damage(odd.facts(name).path, *odd.facts(name).spares)


def test_what_can_be_mended_is_mended_and_the_rest_is_said() -> None:
    with strange() as odd:
        odd.damage(FILECRYPT)
        everywhere(odd, "ACPI.sys")
        proposal = odd.propose()
        assert {cause.subject for cause in proposal.diagnosis.causes} == {"filecrypt.sys", "ACPI.sys"}
        assert proposal.worth_doing
        assert [cause.subject for cause in proposal.causes_left] == ["ACPI.sys"]


def test_a_step_that_cannot_be_made_leaves_the_others_standing() -> None:
    """A file stands where the missing driver's folder was: that one is given up with its reason."""
    with strange() as odd:
        odd.damage(FILECRYPT)
        odd.volume(lambda files: files.create("\\vendor", b"a file where a folder should be"))
        odd.service("acpi", ImagePath="\\??\\C:\\vendor\\ACPI.sys")
        proposal = odd.propose()
        assert proposal.worth_doing
        assert [cause.subject for cause in proposal.causes_left] == ["ACPI.sys"]
        assert any("could not be done" in item.reason for item in proposal.dropped)


def test_where_no_step_can_be_made_the_reason_is_the_answer() -> None:
    with strange() as odd:
        odd.volume(lambda files: files.create("\\vendor", b"a file where a folder should be"))
        odd.service("acpi", ImagePath="\\??\\C:\\vendor\\ACPI.sys")
        with pytest.raises(Exception, match="vendor"):
            odd.propose()


def dcs(data: bytes, block: int = 32768) -> bytes:
    """WinSxS\\Backup's own form, packed by libwim."""
    library = load_libwim()
    library.wimlib_create_compressor.argtypes = [ctypes.c_int, ctypes.c_size_t, ctypes.c_uint, ctypes.c_void_p]
    text, length = ctypes.c_char_p, ctypes.c_size_t
    library.wimlib_compress.argtypes = [text, length, text, length, ctypes.c_void_p]
    library.wimlib_compress.restype = ctypes.c_size_t
    handle = ctypes.c_void_p()
    assert not library.wimlib_create_compressor(LZMS, block, 50, ctypes.byref(handle))
    out = ctypes.create_string_buffer(block)
    blocks = []
    for at in range(0, len(data), block):
        piece = data[at : at + block]
        size = library.wimlib_compress(piece, len(piece), out, len(piece) - 1, handle)
        packed = out.raw[:size] if size else piece
        blocks.append(struct.pack("<II", len(packed) + 4, len(piece)) + packed)
    return b"DCS\x01" + struct.pack("<II", len(blocks), len(data)) + b"".join(blocks)


def test_a_compressed_backup_is_the_source_where_every_component_copy_is_damaged() -> None:
    with strange() as odd:
        good = odd.read(FILECRYPT)
        assert expand_dcs(dcs(good), "test") == good
        everywhere(odd, "filecrypt.sys")
        component = odd.facts("filecrypt.sys").same_file[1].rsplit("\\", 2)[1]

        def change(files: NtfsVolume) -> None:
            if not files.exists("\\Windows\\WinSxS\\Backup"):
                files.mkdir("\\Windows\\WinSxS\\Backup")
            files.create(f"\\Windows\\WinSxS\\Backup\\{component}_filecrypt.sys_0a1b2c3d", dcs(good))

        odd.volume(change)
        (action,) = odd.mended().plan.actions
        assert "WinSxS\\Backup" in action.source
        assert action.risk == ""


def test_differentials_are_named_and_not_used() -> None:
    with strange() as odd:
        facts = odd.facts("ACPI.sys")
        everywhere(odd, "ACPI.sys")
        folder = facts.same_file[1].rsplit("\\", 1)[0]
        odd.volume(lambda files: files.mkdir(f"{folder}\\r"))
        odd.volume(lambda files: files.create(f"{folder}\\r\\acpi.sys", b"PA30" + bytes(200)))
        (cause,) = odd.diagnose().causes
        assert not cause.actions
        assert any("differential" in item.reason for item in cause.skipped)


# The command line on disks in files.


def environment() -> dict[str, str]:
    return {**os.environ, "BOOTMEND_TRUST": str(small_machine(2).pem), "BOOTMEND_LANG": "en", "COLUMNS": "200"}


def run(*arguments: str | Path, cwd: Path | None = None) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "bootmend", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
        env=environment(),
        cwd=cwd,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def digest(path: Path) -> str:
    with open_disk(str(path)) as device:
        return data_digest(device)[0]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder whose name a careless program breaks on, with a broken disk in it."""
    here = tmp_path / "Müller & Söhne, 磁盘"
    here.mkdir()
    machine = small_machine(2)
    subprocess.run(["cp", "--sparse=always", str(machine.path), str(here / "os disk.raw")], check=True)
    with open_disk(str(here / "os disk.raw"), writable=True) as device:
        apply_fault(device, "catalog-lost", machine.manifest)
    yield here
    shutil.rmtree(here)


@pytest.mark.parametrize("name", ["os disk.raw", "./os disk.raw", "link.vhd"])
def test_relative_paths_blanks_letters_and_links(folder: Path, name: str) -> None:
    disk = folder / "os disk.raw"
    (folder / "link.vhd").symlink_to(disk.name)
    before = digest(disk)
    code, out, _ = run("repair", name, "--yes", "--json", cwd=folder)
    document: dict[str, Any] = json.loads(out)
    assert (code, document["healthy"], document["commit"]["verified"]) == (0, True, True)
    assert (folder / "os disk.raw.bootmend").is_dir()
    assert run("diagnose", name, cwd=folder)[0] == 0
    assert run("undo", name, cwd=folder)[0] == 0
    assert digest(disk) == before


@pytest.mark.slow
@pytest.mark.parametrize("form", ["vpc", "vhdx", "qcow2", "vmdk"])
def test_repaired_and_undone_in_every_container(folder: Path, form: str) -> None:
    disk = folder / f"disk.{form}"
    options = ["-o", "force_size=on"] if form == "vpc" else []
    convert = ["qemu-img", "convert", "-O", form, *options, str(folder / "os disk.raw"), str(disk)]
    subprocess.run(convert, check=True, capture_output=True)
    before = digest(disk)
    code, out, error = run("repair", disk, "--yes", "--json")
    assert code == 0, error
    assert json.loads(out)["healthy"] is True
    assert run("diagnose", disk)[0] == 0
    assert digest(disk) != before
    assert run("undo", disk)[0] == 0
    assert digest(disk) == before


def test_a_file_that_may_only_be_read_is_diagnosed_and_not_repaired(folder: Path) -> None:
    disk = folder / "os disk.raw"
    before = digest(disk)
    disk.chmod(0o444)
    assert run("diagnose", disk)[0] == 1
    if os.geteuid() == 0:
        pytest.skip("root may write to a file that is read-only")
    code, _, error = run("repair", disk, "--yes")
    assert code in (3, 4)
    assert "permission" in error
    assert digest(disk) == before


def test_no_room_for_the_journal_leaves_the_disk_alone(folder: Path) -> None:
    disk = folder / "os disk.raw"
    before = digest(disk)
    code, _, error = run("repair", disk, "--yes", "--journal-dir", "/dev/full")
    assert code == 3
    assert "journal" in error
    assert digest(disk) == before


def test_a_disk_as_its_own_donor_and_a_donor_that_is_no_machine(folder: Path) -> None:
    disk = folder / "os disk.raw"
    assert run("repair", disk, "--yes", "--donor", disk)[0] == 0
    (folder / "torn.raw").write_bytes(os.urandom(70_000))
    code, _, error = run("diagnose", disk, "--donor", folder / "torn.raw")
    assert code == 4
    assert "torn.raw" in error


@pytest.mark.parametrize(("answer", "expected"), [(b"y\n", 0), (b"\n", 1), (b"\x03", 130)])
def test_a_person_answers(folder: Path, answer: bytes, expected: int) -> None:
    disk = folder / "os disk.raw"
    before = digest(disk)
    try:
        child, terminal = pty.fork()
    except OSError as error:
        pytest.skip(f"no pseudo terminal can be had here: {error}")
    if child == 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # ignored where the tests run in a shell's background
        os.execve(sys.executable, [sys.executable, "-m", "bootmend", "repair", str(disk)], environment())
    seen, answered, deadline = b"", False, time.monotonic() + 60
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 1)[0]:
            if answered and answer == b"\x03":
                os.write(terminal, answer)  # one that came in the moment before the wait began is pressed again
            continue
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # the child has closed its side
            break
        seen += piece
        if not answered and b"[y/N]" in seen:
            os.write(terminal, answer)
            answered = True
    else:
        os.kill(child, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.close(terminal)
    assert answered, seen
    assert status == expected, seen
    assert (digest(disk) == before) == (expected != 0)


def test_refusals_carry_their_next_step() -> None:
    with strange() as odd:
        odd.volume(lambda files: files.create("\\hiberfil.sys", b"hibr".ljust(65536, b"\0")))
        with pytest.raises(Refused) as refused:
            odd.propose()
        assert refused.value.next_step
