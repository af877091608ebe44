"""Side by side: one machine's trouble is kept with it, and Ctrl-C lets each thread end its step."""

from __future__ import annotations

import _thread
import threading

import pytest
from ctrl_c import heeding_ctrl_c

from bootmend.clouds.many import Member, Stop, side_by_side
from bootmend.clouds.run import Run, Stage
from bootmend.errors import CloudAway, Refused


def test_an_error_is_kept_with_its_member() -> None:
    members = [Member(str(number)) for number in range(7)]
    done: list[str] = []

    def work(member: Member) -> None:
        if member.name == "3":
            raise Refused("not this one")
        if member.name == "4":
            raise ZeroDivisionError
        done.append(member.name)

    side_by_side(members, work, 2, Stop())
    assert sorted(done) == ["0", "1", "2", "5", "6"]
    assert [member.name for member in members if member.error is not None] == ["3", "4"]


def test_no_more_than_so_many_at_once() -> None:
    lock, now, most = threading.Lock(), 0, 0

    def work(_: Member) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        threading.Event().wait(0.01)
        with lock:
            now -= 1

    side_by_side([Member(str(number)) for number in range(12)], work, 3, Stop())
    assert most == 3


def test_ctrl_c_ends_each_at_its_next_step_and_begins_no_other() -> None:
    members = [Member(str(number)) for number in range(5)]
    stop = Stop()
    steps: list[str] = []
    tell = stop.telling("web", steps.append)

    def work(member: Member) -> None:
        tell(f"first of {member.name}")
        if member.name == "1":
            _thread.interrupt_main()
        stop.sleep(30)
        tell(f"second of {member.name}")

    with heeding_ctrl_c(), pytest.raises(KeyboardInterrupt):
        side_by_side(members, work, 2, stop)
    assert sorted(steps) == ["web: first of 0", "web: first of 1"]
    assert [isinstance(member.error, CloudAway) for member in members] == [True, True, False, False, False]


def test_what_is_good() -> None:
    def member(stage: Stage, **values: object) -> Member:
        run = Run("i", "azure", "m", "m", "helper", "d", True, stage)
        for name, value in values.items():
            setattr(run, name, value)
        return Member("m", run=run)

    assert member(Stage.DONE, verdict="healthy").good
    assert member(Stage.DONE, verdict="cannot_tell", options={"start": False}).good
    assert member(Stage.BACK, outcome="healthy").good
    assert not member(Stage.DONE, verdict="cannot_tell").good
    assert not member(Stage.BACK, outcome="repaired").good
    assert not Member("m").good and not member(Stage.OPEN).good
