"""The whole way of a repair's bytes, lock to undo, through every container that a disk may come in."""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import pytest

from bootmend.commit import commit, exclusive, journal_folder, recover, undo
from bootmend.disk.container import open_disk
from bootmend.disk.overlay import Overlay
from bootmend.errors import InputError, Refused

SIZE = 8 << 20
FORMATS = {
    "raw": ["raw"],
    "vhd-fixed": ["vpc", "-o", "subformat=fixed,force_size=on"],
    "vhd-dynamic": ["vpc", "-o", "subformat=dynamic,force_size=on"],
    "vhdx": ["vhdx"],
    "qcow2": ["qcow2"],
    "vmdk": ["vmdk"],
}

pytestmark = pytest.mark.skipif(shutil.which("qemu-img") is None, reason="package qemu-utils is not installed")


@pytest.fixture(params=list(FORMATS))
def image(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    plain, path = tmp_path / "plain", tmp_path / f"disk.{request.param}"
    plain.write_bytes(bytes(1 << 20) + random.Random(4).randbytes(2 << 20) + bytes(SIZE - (3 << 20)))
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", *FORMATS[request.param], plain, path], check=True)
    return path


def test_written_undone_and_locked_in_every_container(image: Path) -> None:
    file = image.read_bytes()
    folder = journal_folder(str(image))
    with exclusive(str(image)), open_disk(str(image), writable=True) as disk:
        assert recover(disk, folder) == []
        old = disk.read(0, disk.size)
        with Overlay(disk) as overlay:
            overlay.write((1 << 20) - 700, b"repaired" * 200)
            overlay.write(5 << 20, b"grown" * 1000)  # where the sparse ones hold nothing yet
            new = overlay.read(0, overlay.size)
            report = commit(disk, overlay.patches(), folder, identity={}, meta={})
        with pytest.raises((Refused, InputError)), open_disk(str(image), writable=True):
            pass
    with open_disk(str(image)) as disk:
        assert disk.read(0, disk.size) == new
    assert report.journal is not None
    with exclusive(str(image)), open_disk(str(image), writable=True) as disk:
        undo(disk, report.journal)
    with open_disk(str(image)) as disk:
        assert disk.read(0, disk.size) == old
    if image.suffix in (".raw", ".vhd-fixed"):
        assert image.read_bytes() == file
    if image.suffix in (".qcow2", ".vhdx", ".vmdk"):
        subprocess.run(["qemu-img", "check", "-q", image], check=True)
