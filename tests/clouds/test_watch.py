"""The boot watch: what one look means, and when it is believed. Never "healthy" on the absence of bad news."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from cloud_stage import BOOT_ERROR

from bootmend.clouds import sight as sight_of
from bootmend.clouds import watch as watching
from bootmend.clouds.cloud import Power, Sight
from bootmend.clouds.sight import Meaning, Shown
from bootmend.clouds.watch import Judgement, Patience, Verdict, before_start, judge, news, watch
from bootmend.screens import Kind, Screen

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
NOTHING = Sight(Power.RUNNING)


def ready(seconds: int) -> Sight:
    return Sight(Power.RUNNING, "Ready", START + timedelta(seconds=seconds))


class Showing:
    """A cloud that shows one sight after the other, the last for ever."""

    def __init__(self, sights: Sequence[Sight]) -> None:
        self._sights = self._endless(sights)

    @staticmethod
    def _endless(sights: Sequence[Sight]) -> Iterator[Sight]:
        yield from sights
        while True:
            yield sights[-1]

    def look(self, machine: str) -> Sight:
        return next(self._sights)


def watched(sights: Sequence[Sight], before: dict[str, str] | None = None, most: float = 300) -> watching.Watched:
    """With a clock that only goes on while the watch sleeps; a look every 10 seconds."""
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    patience = Patience(most, 10, 45, 60, sleep, lambda: now[0])
    return watch(Showing(sights), "m", before or {}, patience, lambda _: None)  # type: ignore[arg-type]


@pytest.mark.parametrize("looks", [0, 3, 30])
def test_switched_off_is_told_whenever_it_was_seen(looks: int) -> None:
    """Also by the very last look: a machine that somebody switched off is not put back for it."""
    assert watched([NOTHING] * looks + [Sight(Power.OFF)]).off
    assert not watched([NOTHING] * looks + [Sight(Power.RUNNING, serial=BOOT_ERROR)]).off


@pytest.mark.parametrize(
    ("sight", "verdict"),
    [
        (NOTHING, Verdict.UNCLEAR),
        (Sight(Power.RUNNING, "Not Ready", START), Verdict.UNCLEAR),
        (Sight(Power.RUNNING, serial=BOOT_ERROR), Verdict.FAILED),
        (Sight(Power.OFF, "Ready", START), Verdict.FAILED),
        (Sight(Power.HALTED), Verdict.FAILED),
        (Sight(Power.RUNNING, "ready", START), Verdict.HEALTHY),
        (Sight(Power.RUNNING, "Ready", START, serial=BOOT_ERROR), Verdict.FAILED),
        (Sight(Power.RUNNING, screen=b"no picture"), Verdict.UNCLEAR),
        (Sight(Power.UNKNOWN), Verdict.UNCLEAR),
    ],
)
def test_one_look(sight: Sight, verdict: Verdict) -> None:
    assert judge(sight).verdict is verdict
    assert judge(sight).reason


@pytest.mark.parametrize(
    ("meaning", "agent", "verdict", "moving"),
    [
        (Meaning.FAILED, "Ready", Verdict.FAILED, False),
        (Meaning.WORKING, None, Verdict.STARTING, True),
        (Meaning.STARTING, None, Verdict.STARTING, False),
        (Meaning.UNSURE, None, Verdict.UNCLEAR, False),
        (Meaning.UNSURE, "Ready", Verdict.HEALTHY, False),
    ],
)
def test_one_picture(
    meaning: Meaning, agent: str | None, verdict: Verdict, moving: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "screen_shows", lambda _: Shown(meaning, "it shows something"))
    found = judge(Sight(Power.RUNNING, agent, START, screen=b"x"))
    assert (found.verdict, found.moving) == (verdict, moving)


def test_what_was_there_before_is_no_news() -> None:
    before = before_start(Sight(Power.OFF, "Ready", START, b"p", "mark1", "old log\n"))
    seen = news(Sight(Power.RUNNING, "Ready", START, b"p", "mark1", "old log\nnew line\n"), before)
    assert (seen.agent, seen.screen, seen.serial) == (None, None, "new line\n")
    seen = news(Sight(Power.RUNNING, "Ready", START + timedelta(seconds=1), b"p", "mark2", "anew"), before)
    assert (seen.agent, seen.screen, seen.serial) == ("Ready", b"p", "anew")
    assert news(Sight(Power.RUNNING, "Ready", None), before).agent is None
    assert news(Sight(Power.RUNNING, "Ready", None), {}).agent == "Ready"


def test_good_news_must_last() -> None:
    found = watched([NOTHING, NOTHING, *(ready(at) for at in range(8))])
    assert (found.verdict, found.seconds) == (Verdict.HEALTHY, 80)


def test_ready_and_then_a_boot_error() -> None:
    found = watched([NOTHING, ready(1), ready(2), Sight(Power.RUNNING, serial=BOOT_ERROR)])
    assert found.verdict is Verdict.FAILED and "boot manager" in found.reason


def test_bad_news_right_after_the_start_may_be_old() -> None:
    bad = Sight(Power.RUNNING, serial=BOOT_ERROR)
    assert watched([bad, bad, bad, *(ready(at) for at in range(9))]).verdict is Verdict.HEALTHY
    found = watched([bad])
    assert (found.verdict, found.seconds) == (Verdict.FAILED, 60)


def test_bad_news_is_believed_at_the_second_look_only() -> None:
    sights = [NOTHING] * 10 + [Sight(Power.RUNNING, serial=BOOT_ERROR)] + [ready(at) for at in range(9)]
    assert watched(sights).verdict is Verdict.HEALTHY


def test_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    assert watched([NOTHING]).verdict is Verdict.UNCLEAR
    assert watched([NOTHING] * 28 + [ready(1)]).verdict is Verdict.STARTING  # Ready, not for long enough
    for moving, verdict in ((True, Verdict.STARTING), (False, Verdict.FAILED)):
        monkeypatch.setattr(watching, "judge", lambda _, m=moving: Judgement(Verdict.STARTING, "a logo", moving=m))
        found = watched([NOTHING])
        assert (found.verdict, found.seconds, found.looks) == (verdict, 300, 31)


def test_a_word_of_before_the_start_is_no_good_news() -> None:
    old = Sight(Power.RUNNING, "Ready", START - timedelta(days=3), changed=START)
    assert judge(old).verdict is Verdict.UNCLEAR and "before it was started" in judge(old).reason
    assert watched([old]).verdict is Verdict.UNCLEAR
    # What the agent says and when a change ended are told by different sources: some minutes apart are none.
    assert judge(Sight(Power.RUNNING, "Ready", START - timedelta(minutes=2), changed=START)).verdict is Verdict.HEALTHY


def test_an_agent_that_fell_silent_must_be_ready_for_longer() -> None:
    still = ready(5)
    found = watched([NOTHING, still])
    assert (found.verdict, found.seconds) == (Verdict.HEALTHY, 190)
    stopped = Sight(Power.RUNNING, "Not Ready", START + timedelta(seconds=99))
    assert watched([NOTHING, *[still] * 9, stopped]).verdict is Verdict.UNCLEAR


def test_black_may_be_a_display_that_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sight_of, "read_screen", lambda *_: Screen("x", Kind.BLACK, sure=True))
    found = watched([Sight(Power.RUNNING, screen=b"black", screen_when=str(at)) for at in range(40)])
    assert found.verdict is Verdict.UNCLEAR and "black" in found.reason


def test_bad_news_that_may_be_old_is_not_believed_when_time_is_over() -> None:
    bad = Sight(Power.RUNNING, serial=BOOT_ERROR)
    assert watched([bad], most=30).verdict is Verdict.UNCLEAR
    assert watched([bad], most=60).verdict is Verdict.FAILED


def test_the_end_of_a_long_log() -> None:
    before = before_start(Sight(Power.OFF, serial="x" * 100, serial_size=1_000_000))
    assert before["serial"] == "1000000"
    grown = Sight(Power.RUNNING, serial="x" * 60 + "new line, \N{EM DASH}\n" + "y" * 20, serial_size=1_000_034)
    assert news(grown, before).serial == "new line, \N{EM DASH}\n" + "y" * 20
    assert news(Sight(Power.RUNNING, serial="x" * 100, serial_size=1_000_000), before).serial == ""
    begun_anew = Sight(Power.RUNNING, serial="anew\n")
    assert news(begun_anew, before).serial == "anew\n"
    much = Sight(Power.RUNNING, serial="z" * 100, serial_size=5_000_000)
    assert news(much, before).serial == "z" * 100
