"""NTFS structures that announce more than anyone can hold: a ParseError or a refusal, in bounded memory."""

from __future__ import annotations

from pathlib import Path

import pytest
from ntfs_samples import make_ntfs

from bootmend.binary import View
from bootmend.errors import ParseError
from bootmend.lab.ntfs_marks import mark_crashed
from bootmend.volumes.ntfs import NtfsVolume, index, mft, replay, stream
from bootmend.volumes.ntfs.boot import read_boot
from bootmend.volumes.ntfs.mft import Mft
from bootmend.volumes.ntfs.records import DATA, Attribute
from bootmend.volumes.ntfs.stream import Stream


def part(first: int, runs: int) -> Attribute:
    """One record's share of an attribute: `runs` holes of one cluster each, two bytes a hole."""
    pairs = View(b"\x01\x01" * runs + b"\0", "part")
    return Attribute(0, DATA, "", 0, None, pairs, first, first + runs - 1, size=1, initialized=0)


def test_a_file_of_a_thousand_thousand_fragments_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "MOST_RUNS", 3000)
    with make_ntfs(tmp_path, size=8 << 20) as device:
        assert len(Stream(device, 4096, 2048, "file", [part(0, 1500), part(1500, 1500)]).runs) == 3000
        with pytest.raises(ParseError, match="at most 3000 fragments"):
            Stream(device, 4096, 2048, "file", [part(0, 1500), part(1500, 1500), part(3000, 1)])


def test_a_folder_of_too_many_names_is_not_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "MOST_NAMES", 100)
    with make_ntfs(tmp_path, size=8 << 20) as device, NtfsVolume(device, "C:", writable=True) as volume:
        volume.mkdir("\\many")
        for number in range(100):
            volume.create(f"\\many\\{number}.cat", b"")
        assert len(volume.listdir("\\many")) == 100
        volume.create("\\many\\one more.cat", b"")
        with pytest.raises(ParseError, match="at most 100 names"):
            volume.listdir("\\many")
        assert volume.stat("\\many\\one more.cat").size == 0


def test_file_records_full_of_attributes_are_not_all_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with make_ntfs(tmp_path, size=8 << 20) as device:
        monkeypatch.setattr(mft, "KEPT_ATTRIBUTES", 12)
        table = Mft(device, read_boot(device, "C:"), "C:")
        for number in (0, 1, 2, 3, 4, 5, 6):
            assert table.file(number).base.number == number
        kept = sum(len(file.attributes) for file in table._records.values())
        assert kept == table._kept
        assert 0 < kept <= 12
        table.forget()
        assert table._kept == 0


def test_a_log_that_touches_too_much_is_not_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with make_ntfs(tmp_path) as device:
        mark_crashed(device)
        monkeypatch.setattr(replay, "_MOST_CLONED", 1 << 20)
        with pytest.raises(replay.CannotReplay, match="more than the 1048576"):
            replay.replay(Mft(device, read_boot(device, "C:"), "C:"))
