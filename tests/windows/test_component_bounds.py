"""WinSxS of a hostile disk: what is looked at is bounded, and said."""

from __future__ import annotations

from pathlib import Path

import pytest
from ntfs_samples import make_ntfs

from bootmend.volumes.ntfs import NtfsVolume
from bootmend.windows import components
from bootmend.windows.components import ComponentStore

FOLDER = "amd64_a_31bf3856ad364e35_10.0.20348.{}_none_0123456789abcdef"


def store(folder: Path) -> ComponentStore:
    """Six components of two files each, and twelve driver packages."""
    volume = NtfsVolume(make_ntfs(folder), "C:", writable=True)
    for path in ("\\Windows", "\\Windows\\WinSxS", "\\Windows\\System32", "\\Windows\\System32\\DriverStore"):
        volume.mkdir(path)
    repository = "\\Windows\\System32\\DriverStore\\FileRepository"
    volume.mkdir(repository)
    for number in range(6):
        path = f"\\Windows\\WinSxS\\{FOLDER.format(number)}"
        volume.mkdir(path)
        volume.create(f"{path}\\a.sys", bytes([number]))
        volume.create(f"{path}\\b.sys", bytes([number]))
    for number in range(12):
        volume.mkdir(f"{repository}\\p{number:02}.inf_amd64_0")
        volume.create(f"{repository}\\p{number:02}.inf_amd64_0\\a.sys", b"x")
    return ComponentStore(volume, 3, "\\Windows")


def test_everything_is_looked_at_where_there_is_no_more_than_usual(tmp_path: Path) -> None:
    found = store(tmp_path)
    assert len(found.copies("A.SYS")) == 6 + 12
    assert found.problems == {}


@pytest.mark.parametrize(
    ("bound", "most", "copies", "where"),
    [
        ("MOST_COMPONENTS", 4, 4 + 12, "WinSxS"),
        ("MOST_FILES", 4, 2 + 12, ""),
        ("MOST_ELSEWHERE", 5, 6 + 5, "Repository"),
        ("MOST_PACKAGED", 5, 6 + 5, ""),
    ],
)
def test_more_is_cut_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str, most: int, copies: int, where: str
) -> None:
    monkeypatch.setattr(components, bound, most)
    found = store(tmp_path)
    assert len(found.copies("a.sys")) == copies
    if where:
        assert any(where in place and f"first {most}" in why for place, why in found.problems.items())
