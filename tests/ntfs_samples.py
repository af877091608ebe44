"""NTFS volumes for tests: made by mkntfs, looked at by others."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from bootmend.disk.device import BlockDevice
from bootmend.disk.raw import RawFile


def make_ntfs(folder: Path, size: int = 34 << 20, sector: int = 512, cluster: int = 4096) -> RawFile:
    """A fresh volume in a sparse file: `mkntfs -F -Q -s <sector> -c <cluster>`."""
    program = shutil.which("mkntfs", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if program is None:
        pytest.skip("mkntfs (package ntfs-3g) is not installed")
    path = folder / "volume.ntfs"
    with path.open("wb") as file:
        file.truncate(size)
    options = ["-F", "-Q", "-q", "-s", str(sector), "-c", str(max(cluster, sector)), "-p", "2048", "-H", "255"]
    options += ["-S", "63", "-L", "Sample"]
    subprocess.run([program, *options, str(path)], check=True, capture_output=True)
    return RawFile(path, writable=True)


def copy_of(device: BlockDevice) -> Path:
    """A sparse copy beside the device's own file, which its owner keeps locked."""
    path = Path(device.name).with_suffix(".copy")
    with path.open("wb") as file:
        file.truncate(device.size)
        for start, end in device.data_extents():
            file.seek(start)
            file.write(device.read(start, end - start))
    return path


def check_with_ntfsfix(device: BlockDevice) -> None:
    """`ntfsfix -n` mounts the volume, compares $MFT and $MFTMirr, looks at the journal; it changes nothing."""
    copy = copy_of(device)
    done = subprocess.run(["ntfsfix", "-n", str(copy)], capture_output=True, text=True, check=False)
    copy.unlink()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "processed successfully" in done.stdout
