"""What `drivers` says of files that are not there, are there but broken, or cannot be looked at."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from command_line import command
from lab_machines import base
from strange_machines import DRIVERS, strange

from bootmend.disk.container import open_disk
from bootmend.lab.wof_file import compact
from bootmend.volumes.ntfs import NtfsVolume


def break_stored_form(files: NtfsVolume) -> None:
    path = f"{DRIVERS}\\null.sys"
    compact(files, path, 0)
    stream = files._mft.stream(files._tree.file(path), 0x80, "WofCompressedData")
    assert stream is not None
    stream.write(0, b"\xff" * 4)  # where the first chunk ends


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("disk") / "os.vhd"
    subprocess.run(["cp", "--sparse=always", str(base(2).path), str(path)], check=True)
    with strange() as odd:
        odd.service("filecrypt", ImagePath="Z:\\elsewhere\\filecrypt.sys")
        odd.volume(break_stored_form)
        odd.volume(lambda files: files.delete(f"{DRIVERS}\\cdrom.sys"))
        odd.damage(f"{DRIVERS}\\npsvctrig.sys")
        patches = list(odd.disk.patches())
    with open_disk(str(path), writable=True) as device:
        for patch in patches:
            device.write(patch.offset, patch.after)
    return path


def test_status_and_problem_tell_them_apart(disk: Path) -> None:
    done = command("drivers", disk, "--json", "--trust", base(2).pem)
    rows: dict[str, Any] = {row["name"].lower(): row for row in json.loads(done.stdout)["drivers"]}
    told = {
        name: (rows[name]["status"], rows[name]["problem"], rows[name]["kernel_would_refuse"])
        for name in ("filecrypt", "null", "cdrom", "npsvctrig", "acpi")
    }
    assert told == {
        "filecrypt": (None, "out_of_sight", None),
        "null": (None, "unreadable", True),
        "cdrom": ("missing", "file_missing", True),
        "npsvctrig": ("not_signed", "file_unknown", True),
        "acpi": ("valid", None, False),
    }
    assert "chunk" in rows["null"]["error"]
    assert "volume" in rows["filecrypt"]["error"]
    assert rows["cdrom"]["error"] is None


def test_the_table_has_a_word_for_each(disk: Path) -> None:
    out = command("drivers", disk, "--trust", base(2).pem).stdout.decode()
    words = {line.split()[0] for line in out.splitlines() if "sys" in line}
    assert {"out_of_sight", "unreadable", "missing", "valid"} <= words
    assert "None" not in words
