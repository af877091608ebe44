"""Dumps on the disk of a machine: found in every place Windows leaves one, the newest first, read in place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import lab_machines
import pytest
from command_line import command, said
from dumps.crashed import ARTICLE, InMemory, made

from bootmend.cli.dump import _of_disk
from bootmend.cli.dump_sources import beside
from bootmend.disk.container import open_disk
from bootmend.disk.overlay import Overlay
from bootmend.dumps import open_dump
from bootmend.dumps.header import DumpType
from bootmend.dumps.verdict import judge
from bootmend.lab.crashed_memory import SYSTEM_TIME, CrashedMemory
from bootmend.reports.dump import document
from bootmend.windows.crash_files import CrashFiles, crash_files
from bootmend.windows.crash_suspects import with_suspects
from bootmend.windows.discovery import find_windows
from bootmend.windows.image import Image

DAY = 24 * 3600 * 10_000_000


def dump_of(days: int, kind: DumpType = DumpType.BITMAP_KERNEL) -> bytes:
    data = bytearray(made(CrashedMemory(ARTICLE, frames=0x200), kind))
    data[0xFA8:0xFB0] = (SYSTEM_TIME + days * DAY).to_bytes(8, "little")
    return bytes(data)


@contextmanager
def machine_with(files: dict[str, bytes]) -> Iterator[CrashFiles]:
    machine = lab_machines.base(2)
    with open_disk(str(machine.path)) as device:
        image = Image(Overlay(device))
        windows = find_windows(image, lab_machines.trust(machine))[0]
        volume = image.volume(windows.volume)
        for path, data in files.items():
            folder = path.rsplit("\\", 1)[0]
            if folder and not volume.exists(folder):
                image.make_folder(windows.volume, folder)
            if volume.exists(path):
                image.delete_file(windows.volume, path)
            image.create_file(windows.volume, path, data)
            volume = image.volume(windows.volume)
        yield crash_files(windows)
        image.close()


@pytest.mark.parametrize("path", ["\\Windows\\MEMORY.DMP", "\\Windows\\Minidump\\112226-1234-01.dmp", "\\pagefile.sys"])
def test_found_where_windows_leaves_it(path: str) -> None:
    with machine_with({path: dump_of(0)}) as files:
        assert [one.path for one in files.found] == [path]
        assert judge(open_dump(files.found[0].file, files.found[0].where)).image == "filecrypt.sys"


def test_the_newest_comes_first_whatever_holds_it() -> None:
    listed = {
        "\\Windows\\MEMORY.DMP": dump_of(1),
        "\\pagefile.sys": dump_of(2),
        "\\Windows\\Minidump\\a.dmp": dump_of(0),
    }
    with machine_with(listed) as files:
        assert [one.path for one in files.found] == [
            "\\pagefile.sys",
            "\\Windows\\MEMORY.DMP",
            "\\Windows\\Minidump\\a.dmp",
        ]


def test_of_one_crash_in_two_places_the_copy_counts() -> None:
    with machine_with({"\\pagefile.sys": dump_of(0), "\\Windows\\MEMORY.DMP": dump_of(0)}) as files:
        assert files.found[0].path == "\\Windows\\MEMORY.DMP"


def test_a_page_file_without_a_dump_and_a_broken_one() -> None:
    broken = b"PAGEDU64" + bytes(100)
    with machine_with({"\\pagefile.sys": bytes(0x4000), "\\Windows\\MEMORY.DMP": broken}) as files:
        assert files.found == []
        assert len(files.unread) == 1
        assert "MEMORY.DMP" in files.unread[0]


def test_a_whole_disk_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    machine = lab_machines.base(1)
    with open_disk(str(machine.path)) as device:
        disk = Overlay(device)
        image = Image(disk)
        windows = find_windows(image, lab_machines.trust(machine))[0]
        image.create_file(windows.volume, "\\Windows\\MEMORY.DMP", dump_of(0))
        with beside([], []) as found:
            _of_disk(windows, disk, found, modules=True, json=False)
        image.close()
    told = capsys.readouterr().out
    assert "\\Windows\\MEMORY.DMP" in told.splitlines()[0]
    assert "Windows stopped with 0x5A CRITICAL_SERVICE_FAILED" in told
    assert "The file: filecrypt.sys" in told
    assert "0xC0000428 STATUS_INVALID_IMAGE_HASH" in told
    assert "may tell of an earlier stop" in told


def test_on_the_command_line(tmp_path: Path) -> None:
    """A disk without a dump says so; a file that is neither says what it is."""
    machine = lab_machines.base(2)
    done = command("dump", machine.path)
    assert done.returncode == 4
    assert "no crash dump" in said(done)
    program = tmp_path / "app.dmp"
    program.write_bytes(b"MDMP" + bytes(600))
    done = command("dump", program)
    assert done.returncode == 4
    assert "a dump of a program" in said(done)
    dump = tmp_path / "MEMORY.DMP"
    dump.write_bytes(dump_of(0))
    done = command("dump", dump, "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["failure_bucket_id"] == "0x5A_c0000428_IMAGE_filecrypt.sys"


def test_a_name_that_a_small_dump_lacks_is_inferred_from_the_disk() -> None:
    with lab_machines.broken(2, "crash-dump+catalog-lost") as sample:
        image = Image(sample.disk)
        windows = find_windows(image, sample.given)[0]
        by_type = {open_dump(one.file, one.where).header.type: one for one in crash_files(windows).found}
        small, full = (by_type[kind] for kind in (DumpType.TRIAGE, DumpType.BITMAP_KERNEL))
        dump = open_dump(small.file, small.where)
        bare = judge(dump)
        assert (bare.image, bare.inferred) == ("", ())
        found = with_suspects(bare, dump, windows)
        named = open_dump(full.file, full.where)
        assert judge(named).image in found.inferred
        assert with_suspects(judge(named), named, windows) == judge(named)
        image.close()
    told = document(dump, found)
    assert told["image_name"] is None
    name = judge(named).image
    assert {"image_name": name, "failure_bucket_id": f"0x5A_c0000428_IMAGE_{name}"} in told["inferred"]
    assert any("By inference from the disk, not from the dump" in line for line in told["summary"])


@pytest.mark.parametrize(
    ("fault", "status", "inferred"),
    [("catalog-lost", 0xC0000428, 1), ("catalog-lost", 0xC0000034, 0), ("healthy", 0xC0000428, 0)],
)
def test_only_whose_file_fails_that_very_way_is_inferred(fault: str, status: int, inferred: int) -> None:
    memory = CrashedMemory(replace(ARTICLE, arguments=(1, 0, 0, 0xFFFFFFFF << 32 | status)), frames=0x200)
    dump = open_dump(InMemory(made(memory, DumpType.BITMAP_KERNEL)), "no-name.dmp")
    with lab_machines.broken(2, fault) as sample:
        image = Image(sample.disk)
        found = with_suspects(judge(dump), dump, find_windows(image, sample.given)[0])
        image.close()
    assert len(found.inferred) == inferred
    assert len(document(dump, found)["inferred"]) == inferred
