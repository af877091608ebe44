"""A file that is made whole or not at all, on a disk that takes no more."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bootmend.errors import InputError
from bootmend.reports.bundle import Bundle
from bootmend.reports.new_file import NewFile

ROOM = 4096


@contextmanager
def little_room() -> Iterator[None]:
    """No file of this process may grow beyond ROOM bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size", [ROOM + 1, 1 << 20])
def test_a_full_disk_leaves_nothing_and_is_told(size: int, tmp_path: Path) -> None:
    """More than fits: noticed at the write, or only when the last bytes are brought to the medium."""
    target = tmp_path / "out.bin"
    refused = pytest.raises(InputError, match=r"out\.bin: cannot be written: File too large")
    with little_room(), refused, NewFile(target) as new:
        new.file.write(bytes(size))
    assert list(tmp_path.iterdir()) == []


def test_a_bundle_on_a_full_disk(tmp_path: Path) -> None:
    noise = bytes(at * at % 251 for at in range(1 << 16))
    refused = pytest.raises(InputError, match=r"b\.zip: cannot be written")
    with little_room(), refused, Bundle(tmp_path / "b.zip", "disk") as bundle:
        for number in range(32):
            bundle.add(f"part{number}", "noise", bytes(one ^ number for one in noise))
    assert list(tmp_path.iterdir()) == []


def test_what_fits_is_there(tmp_path: Path) -> None:
    with little_room(), NewFile(tmp_path / "out.bin") as new:
        new.file.write(bytes(ROOM))
    assert (tmp_path / "out.bin").read_bytes() == bytes(ROOM)


def test_another_failure_stays_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(PermissionError), NewFile(tmp_path / "out.bin"):
        raise PermissionError("of something else")
    assert list(tmp_path.iterdir()) == []
