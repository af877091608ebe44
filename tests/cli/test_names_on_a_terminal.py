"""Names that someone put on a disk to break whoever shows them: no fault, and nothing a terminal obeys."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from lab_machines import base

from bootmend.cli.visible import visible
from bootmend.commit import commit
from bootmend.disk.container import open_disk
from bootmend.disk.device import Patch
from bootmend.edit import Edit

EVIL = "e\x1b[31m\ud800[bold]\u202evil"


def run(*words: str | Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    told = {**os.environ, "BOOTMEND_LANG": "en", "BOOTMEND_TRUST": str(base(2).pem), **environment}
    return subprocess.run(
        [sys.executable, "-m", "bootmend", *map(str, words)], capture_output=True, env=told, check=False
    )


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A machine with a critical driver of that name, whose file is missing."""
    path = tmp_path_factory.mktemp("names") / "os.vhd"
    subprocess.run(["cp", "--sparse=always", str(base(2).path), str(path)], check=True)
    with open_disk(str(path), writable=True) as device:
        edit = Edit(device)
        key = f"{edit.windows.control_set}\\Services\\{EVIL}"
        hive = edit.desk.hive(edit.windows.volume, edit.windows.system.path)
        hive.editor.create_key(key)
        for name, number in (("Start", 1), ("Type", 1), ("ErrorControl", 3)):
            hive.editor.set_value(key, name, 4, number.to_bytes(4, "little"))
        edit.settle()
        for patch in edit.overlay.patches():
            device.write(patch.offset, patch.after)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
@pytest.mark.parametrize("words", [["diagnose"], ["diagnose", "--json"], ["drivers", "--unsigned"]])
def test_the_name_is_shown_and_not_obeyed(disk: Path, words: list[str], encoding: str) -> None:
    done = run(*words, disk, PYTHONIOENCODING=encoding)
    assert done.returncode == 1, done.stderr
    assert b"[bold]" in done.stdout
    assert b"vil.sys" in done.stdout
    assert b"\x1b" not in done.stdout + done.stderr
    assert "\u202e".encode() not in done.stdout + done.stderr


def test_brackets_in_paths_are_no_markup(tmp_path: Path) -> None:
    disk = tmp_path / "[b]raw[/x].img"
    disk.parent.mkdir()
    disk.write_bytes(bytes(1 << 16))
    with open_disk(str(disk), writable=True) as device:
        patch = Patch(0, bytes(512), b"x" * 512)
        commit(device, [patch], disk.with_name(f"{disk.name}.bootmend"), identity={}, meta={})
    for command in ("history", "undo"):
        done = run(command, disk)
        assert done.returncode == 0, done.stderr
        assert str(disk).encode() in done.stdout


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Bücher 日本 🙂", "Bücher 日本 🙂"),
        ("a\nb\tc", "a\nb\tc"),
        ("\x1b[2J\r\x07", "\\x1b[2J\\r\\x07"),
        ("\ud83d\x9b", "\\ud83d\\x9b"),
    ],
)
def test_visible(text: str, shown: str) -> None:
    assert visible(text) == shown
