"""open_disk: the container is told by content, and what is no disk says why."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from sample_data import unpacked

from bootmend.disk.container import open_disk
from bootmend.errors import DeviceError, InputError


def save(folder: Path, content: bytes) -> str:
    path = folder / "disk.img"
    path.write_bytes(content)
    return str(path)


def test_a_raw_disk_is_raw(tmp_path: Path) -> None:
    with open_disk(save(tmp_path, b"\xeb" * 5000)) as disk:
        assert (disk.container, disk.size, disk.writable) == ("raw", 5000, False)
        with pytest.raises(DeviceError):
            disk.write(0, b"x")


def test_a_fixed_vhd_is_told_by_its_footer(tmp_path: Path) -> None:
    with open_disk(save(tmp_path, unpacked("disks/fixed.vhd.gz")), writable=True) as disk:
        assert (disk.container, disk.size, disk.writable) == ("vhd-fixed", 10 << 20, True)


def test_what_is_no_disk_says_why(tmp_path: Path) -> None:
    for source in (str(tmp_path), str(tmp_path / "none"), save(tmp_path, b""), "", "/dev/null"):
        with pytest.raises(InputError) as caught:
            open_disk(source)
        assert len(str(caught.value)) > 20


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_we_may_not_read(tmp_path: Path) -> None:
    path = save(tmp_path, b"x" * 512)
    Path(path).chmod(0)
    with pytest.raises(InputError, match="permission"):
        open_disk(path)
