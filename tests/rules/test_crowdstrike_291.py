"""CrowdStrike's channel file 291: the minutes of its time stamp, its neighbours, its name, and who reads it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from strange_machines import Strange, strange

from bootmend.errors import ParseError
from bootmend.findings import Finding, Severity
from bootmend.formats.filetime import filetime_of, moment
from bootmend.rules.crowdstrike_291 import check
from bootmend.volumes.ntfs import NtfsVolume
from bootmend.volumes.volume import Entry
from bootmend.windows.discovery import find_windows
from bootmend.windows.image import Image

FOLDER = "\\Windows\\System32\\drivers\\CrowdStrike"
BAD = f"{FOLDER}\\C-00000291-00000000-00000032.sys"
RELEASED = datetime(2024, 7, 19, 4, 9, tzinfo=UTC)
REVERTED = datetime(2024, 7, 19, 5, 27, tzinfo=UTC)
TICK = timedelta(microseconds=1)


def spoken(odd: Strange) -> list[Finding]:
    image = Image(odd.disk)
    try:
        return list(check(find_windows(image, odd.given)[0]))
    finally:
        image.close()


def dated(odd: Strange, path: str, when: datetime) -> None:
    time = filetime_of(when)

    def change(files: NtfsVolume) -> None:
        if not files.exists(path):
            files.create(path, b"\xaa" * 4096)
        files.set_times(path, time, time, time)

    odd.volume(change)


@contextmanager
def sensor() -> Iterator[Strange]:
    with strange(2, "crowdstrike-291") as odd:
        yield odd


@pytest.mark.parametrize(
    ("when", "bad"),
    [(RELEASED - TICK, False), (RELEASED, True), (REVERTED - TICK, True), (REVERTED, False)],
)
def test_the_minutes_decide(when: datetime, bad: bool) -> None:
    with sensor() as odd:
        dated(odd, BAD, when)
        assert [one.severity for one in spoken(odd)] == ([Severity.CAUSE] if bad else [])


def test_a_newer_one_beside_it_is_the_one_in_use() -> None:
    with sensor() as odd:
        dated(odd, f"{FOLDER}\\c-00000291-00000000-00000033.SYS", REVERTED)
        assert spoken(odd) == []


def test_an_older_one_and_another_channel_are_not_deleted() -> None:
    with sensor() as odd:
        dated(odd, f"{FOLDER}\\C-00000291-00000000-00000031.sys", RELEASED + timedelta(minutes=40))
        dated(odd, f"{FOLDER}\\C-00000292-00000000-00000001.sys", REVERTED + timedelta(days=9))
        (found,) = spoken(odd)
        names = sorted(action.target.rsplit("\\", 1)[1] for action in found.actions)
        assert names == ["C-00000291-00000000-00000031.sys", "C-00000291-00000000-00000032.sys"]
        assert found.prediction is not None
        assert (found.prediction.stop, found.prediction.image) == (0x50, "csagent.sys")


@pytest.mark.parametrize(("start", "severity"), [(0, "cause"), (2, "cause"), (3, "risk"), (4, "risk"), (None, "risk")])
def test_it_is_a_cause_where_the_sensor_is_started(start: int | None, severity: str) -> None:
    with sensor() as odd:
        odd.service("CSAgent", Start=start)
        (found,) = spoken(odd)
        assert found.severity.value == severity
        assert (found.prediction is not None) == (severity == "cause")


def test_a_machine_without_the_sensor_is_not_asked_twice() -> None:
    with strange(2) as odd:
        assert spoken(odd) == []


def test_a_folder_by_that_name_is_no_channel_file() -> None:
    with sensor() as odd:

        def change(files: NtfsVolume) -> None:
            files.delete(BAD)
            files.mkdir(BAD)
            files.set_times(BAD, *[filetime_of(RELEASED)] * 3)

        odd.volume(change)
        assert spoken(odd) == []


def test_a_folder_that_cannot_be_read_is_not_an_empty_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with sensor() as odd:
        listdir = NtfsVolume.listdir

        def broken(self: NtfsVolume, path: str) -> list[Entry]:
            if path == FOLDER:
                raise ParseError("$INDEX_ALLOCATION", 0x1000, "INDX")
            return listdir(self, path)

        monkeypatch.setattr(NtfsVolume, "listdir", broken)
        (found,) = spoken(odd)
        assert found.severity is Severity.NOTE
        assert "INDX" in found.evidence[0].what


def test_times_are_read_both_ways() -> None:
    assert moment(filetime_of(RELEASED)) == RELEASED
    assert moment(0) is None
    assert moment(1 << 63) is None
    assert moment((1 << 63) - 1) is None
