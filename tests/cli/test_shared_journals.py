"""Several disks with one journal folder (`--journal-dir`): each undoes its own repairs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from bootmend.cli.session import identity_of
from bootmend.commit import commit
from bootmend.disk.device import Patch
from bootmend.disk.raw import RawFile


def disk(path: Path, signature: int) -> Path:
    """A disk with an MBR of one partition."""
    content = bytearray(1 << 20)
    content[0x1B8:0x1BC] = signature.to_bytes(4, "little")
    content[0x1BE:0x1CE] = (
        bytes([0x80, 0, 0, 0, 7, 0, 0, 0]) + (64).to_bytes(4, "little") + (1024).to_bytes(4, "little")
    )
    content[0x1FE:0x200] = b"\x55\xaa"
    path.write_bytes(content)
    return path


def change(path: Path, folder: Path) -> None:
    with RawFile(path, writable=True) as device:
        identity = identity_of(device)
        assert identity
        commit(device, [Patch(1 << 16, bytes(512), b"x" * 512)], folder, identity=identity, meta={})


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "BOOTMEND_LANG": "en"}
    line = [sys.executable, "-m", "bootmend", *map(str, words)]
    return subprocess.run(line, capture_output=True, text=True, env=environment, check=False)


def test_undo_takes_the_newest_repair_of_this_disk(tmp_path: Path) -> None:
    first, second = disk(tmp_path / "first", 0x11111111), disk(tmp_path / "second", 0x22222222)
    content = first.read_bytes(), second.read_bytes()
    folder = tmp_path / "journals"
    change(first, folder)
    change(second, folder)
    done = run("undo", first, "--journal-dir", folder)
    assert done.returncode == 0, done.stderr
    assert first.read_bytes() == content[0]
    assert second.read_bytes() != content[1]
    again = run("undo", first, "--journal-dir", folder)
    assert again.returncode == 4
    assert "nothing that could be undone" in again.stderr
    assert run("undo", second, "--journal-dir", folder).returncode == 0
    assert second.read_bytes() == content[1]
