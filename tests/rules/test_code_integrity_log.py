"""Code integrity's log: evidence for what is wrong, a note for what is not, silence for what is long over."""

from __future__ import annotations

import pytest
from strange_machines import Strange, strange

from bootmend.findings import Finding
from bootmend.lab.event_log import add_events
from bootmend.lab.logs import CODE_INTEGRITY, COMPUTER, LOGS, refused

LOG = f"{LOGS}\\{CODE_INTEGRITY}.evtx"


def say_in_log(odd: Strange, when: str, number: int, path: str) -> None:
    log = add_events(odd.read(LOG), [refused(when, number, path)], COMPUTER)
    odd.volume(lambda files: files.replace(LOG, log))


def notes(odd: Strange) -> list[Finding]:
    return [one for one in odd.diagnose().findings if one.rule == "code_integrity_log"]


def test_a_lost_catalog_is_borne_out_and_not_found_twice() -> None:
    with strange(2, "catalog-lost") as odd:
        found = odd.diagnose().findings
        assert [one.rule for one in found] == ["catalog_missing"]
        told = [one for one in found[0].evidence if "event 3004" in one.what]
        assert [one.where.rsplit("\\", 1)[1] for one in told] == [f"{CODE_INTEGRITY}.evtx record 2"]


@pytest.mark.parametrize(
    ("when", "count"), [("2024-02-18 19:00:00", 1), ("2024-01-19 18:57:45", 1), ("2024-01-19 18:57:43", 0)]
)
def test_what_is_older_than_thirty_days_is_over(when: str, count: int) -> None:
    with strange(2) as odd:
        say_in_log(odd, when, 3033, "\\Windows\\System32\\drivers\\labavflt.sys")
        assert [one.subject for one in notes(odd)] == ["labavflt.sys"] * count


@pytest.mark.parametrize("path", ["\\Windows\\System32\\somebody.dll", "\\Windows\\System32\\drivers\\labnic.sys"])
def test_what_is_not_loaded_at_boot_is_left_out(path: str) -> None:
    with strange(2) as odd:
        say_in_log(odd, "2024-02-18 18:50:00", 3033, path)
        assert notes(odd) == []


def test_many_events_of_one_driver_are_one_note() -> None:
    with strange(2) as odd:
        for minute in range(5):
            say_in_log(odd, f"2024-02-18 18:5{minute}:00", 3077, "\\Windows\\System32\\drivers\\LABAVFLT.SYS")
        (note,) = notes(odd)
        assert [one.where.rsplit(" ", 1)[1] for one in note.evidence[:2]] == ["6", "5"]
        assert not note.actions


@pytest.mark.parametrize(("number", "count"), [(3001, 0), (3004, 0), (3023, 1), (3033, 1), (3077, 1)])
def test_a_hash_that_is_found_now_is_trouble_that_is_over(number: int, count: int) -> None:
    with strange(2) as odd:
        say_in_log(odd, "2024-02-18 18:50:00", number, "\\Windows\\System32\\drivers\\labavflt.sys")
        assert len(notes(odd)) == count
