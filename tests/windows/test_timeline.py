"""The timeline: order, age, what is shown, and what a diagnosis says of a machine's last starts."""

from __future__ import annotations

import json
from pathlib import Path

from command_line import command
from lab_machines import base
from strange_machines import strange

from bootmend.lab.logs import at
from bootmend.volumes.ntfs import NtfsVolume
from bootmend.windows.timeline import MOST_SHOWN, Timeline
from bootmend.windows.witnesses import Hearing
from bootmend.windows.witnesses.observation import Kind, Observation

DAY = 864_000_000_000
NOON = at("2024-02-18 12:00:00")


def seen(kind: Kind, when: int | None, what: str = "x") -> Observation:
    return Observation(when, kind, what, "here")


def timeline(*observations: Observation) -> Timeline:
    return Timeline(Hearing(list(observations)))


def test_it_is_in_order_and_says_a_thing_once() -> None:
    twice = seen(Kind.STOPPED, NOON)
    late, early, untold = seen(Kind.STARTED, NOON + 1), seen(Kind.DRIVER, NOON - 1), seen(Kind.STORE, None)
    assert timeline(twice, late, twice, early, untold).observations == [untold, early, twice, late]


def test_thirty_days_before_the_last_try() -> None:
    line = timeline(seen(Kind.STARTED, NOON), seen(Kind.UPDATED, NOON + 60 * DAY))
    assert line.last_try == NOON
    assert line.recent(seen(Kind.REFUSED, NOON - 30 * DAY))
    assert not line.recent(seen(Kind.REFUSED, NOON - 30 * DAY - 1))
    assert not line.recent(seen(Kind.REFUSED, None))
    assert not timeline().recent(seen(Kind.REFUSED, NOON))


def test_failed_starts_count_after_the_last_good_one() -> None:
    before, after = seen(Kind.FAILED, NOON - 1), seen(Kind.FAILED, NOON + 1)
    assert timeline(before, seen(Kind.STARTED, NOON), after).failed_since_start == [after]
    assert timeline(before).failed_since_start == [before]


def test_the_short_form_is_short() -> None:
    many = [seen(kind, NOON + number, f"{kind} {number}") for kind in Kind for number in range(30)]
    shown = timeline(*many).highlights
    assert len(shown) <= MOST_SHOWN
    assert {one.kind for one in shown} >= {Kind.STARTED, Kind.FAILED, Kind.CRASHED}
    assert [one.when for one in shown] == sorted(one.when or 0 for one in shown)
    assert all("29" in one.what or "28" in one.what for one in shown)


def test_a_healthy_machine_has_a_history() -> None:
    with strange(2) as odd:
        found = odd.diagnose()
        kinds = {one.kind for one in found.timeline.observations}
        assert {Kind.STARTED, Kind.STOPPED, Kind.UPDATED, Kind.DRIVER} <= kinds
        assert not kinds & {Kind.FAILED, Kind.CRASHED, Kind.REFUSED}
        assert found.timeline.unread == []


def test_a_broken_log_is_told_and_harms_nothing() -> None:
    with strange(2) as odd:

        def change(files: NtfsVolume) -> None:
            files.write_in_place("\\Windows\\System32\\winevt\\Logs\\System.evtx", 0, bytes(8))

        odd.volume(change)
        found = odd.diagnose()
        assert found.healthy
        assert any("System.evtx" in note for note in found.notes)


def test_json_and_terminal_tell_it() -> None:
    path: Path = base(2).path
    document = json.loads(command("diagnose", str(path), "--trust", str(base(2).pem), "--json").stdout.decode())
    lines = document["timeline"]
    assert [line["when"] for line in lines] == sorted(line["when"] for line in lines)
    assert {"when": "2024-02-18T18:57:44Z", "kind": "stopped"}.items() <= lines[-1].items()
    assert all(set(line) == {"when", "kind", "what", "where"} for line in lines)
    said = command("diagnose", str(path), "--trust", str(base(2).pem)).stdout.decode()
    assert "2024-02-14 03:30  Windows started" in said
