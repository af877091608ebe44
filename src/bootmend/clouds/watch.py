"""Does it come up? The boot watch: a verdict with its reason, never "healthy" on the absence of bad news.

One look after the other is judged by itself (`judge`); the watch ends with the first verdict that two
looks in a row agree on, or when its time is over. What was there before the start is no news: an
agent's status must be newer, a picture must be another one, a log must have gone on.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from bootmend.clouds.cloud import Cloud, Power, Sight
from bootmend.clouds.sight import Meaning, screen_shows, serial_shows
from bootmend.repair import Progress
from bootmend.texts import say

READY = "ready"
_STALE = timedelta(minutes=5)
"""By so much an agent's word may be older than the end of the start it is of: the two are told by different sources."""
_STANDING_STILL = 3
"""So many times longer must an agent be Ready whose time does not go on: it may have fallen silent just then."""


class Verdict(StrEnum):
    HEALTHY = "healthy"
    """Its agent says Ready, since this start, and still says so a while later."""
    FAILED = "failed"
    """It shows a stop screen or a boot error, or nothing moves until the time is over."""
    STARTING = "still_starting"
    UNCLEAR = "cannot_tell"
    """Neither good nor bad news could be seen."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds."""

    most: float = 900.0
    between: float = 10.0
    grace: float = 45.0
    """For so long after the start bad news may be of the start before: it is not believed yet."""
    settle: float = 60.0
    """How long the agent must go on being Ready: some machines stop shortly after."""
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic


@dataclass(frozen=True, slots=True)
class Judgement:
    verdict: Verdict
    reason: str
    moving: bool = False
    """It says of itself that it works on something (updates): time-out is no failure."""
    off: bool = False
    """Somebody switched it off: no machine does that to itself because it cannot boot."""


@dataclass(frozen=True, slots=True)
class Watched:
    verdict: Verdict
    reason: str
    seconds: float
    looks: int
    off: bool = False
    """As in the judgement it ended with."""


def before_start(sight: Sight) -> dict[str, str]:
    """What a later look is compared with."""
    return {
        "agent_when": sight.agent_when.isoformat() if sight.agent_when else "",
        "screen_when": sight.screen_when or "",
        "serial": str(_serial_size(sight)),
    }


def _serial_size(sight: Sight) -> int:
    return sight.serial_size if sight.serial_size is not None else len((sight.serial or "").encode())


def news(sight: Sight, before: dict[str, str]) -> Sight:
    """The sight without what was there before the start."""
    if before.get("agent_when"):
        known = datetime.fromisoformat(before["agent_when"])
        if sight.agent_when is None or sight.agent_when <= known:  # without a time nothing shows that it is new
            sight = replace(sight, agent=None)
    if sight.screen_when is not None and sight.screen_when == before.get("screen_when"):
        sight = replace(sight, screen=None)
    if sight.serial is not None:
        # A log that became shorter was begun anew.
        length, size = int(before.get("serial") or 0), _serial_size(sight)
        new = size - length if size >= length else size
        data = sight.serial.encode()
        sight = replace(sight, serial=data[max(0, len(data) - new) :].decode(errors="replace") if new else "")
    return sight


def _speaks(sight: Sight) -> bool:
    """Its agent says Ready, and not only of a time before its last start."""
    if (sight.agent or "").lower() != READY:
        return False
    return sight.agent_when is None or sight.changed is None or sight.agent_when >= sight.changed - _STALE


def judge(sight: Sight) -> Judgement:
    """What one look at a machine says, of which only news is left."""
    if sight.power in (Power.OFF, Power.HALTED):
        return Judgement(Verdict.FAILED, say("clouds.seen_off"), off=True)
    shown = [one for one in (screen_shows(sight.screen), serial_shows(sight.serial)) if one is not None]
    for bad in (one for one in shown if one.meaning is Meaning.FAILED):
        return Judgement(Verdict.FAILED, bad.told)
    if _speaks(sight):
        return Judgement(Verdict.HEALTHY, say("clouds.seen_ready"))
    for working in (one for one in shown if one.meaning is Meaning.WORKING):
        return Judgement(Verdict.STARTING, working.told, moving=True)
    for starting in (one for one in shown if one.meaning is Meaning.STARTING):
        return Judgement(Verdict.STARTING, starting.told)
    told = [*(one.told for one in shown), *sight.unseen]
    silent = say("clouds.seen_old_word" if (sight.agent or "").lower() == READY else "clouds.seen_no_agent")
    return Judgement(Verdict.UNCLEAR, "; ".join([silent, *(one.rstrip(".") for one in told)]))


def watch(cloud: Cloud, machine: str, before: dict[str, str], patience: Patience, tell: Progress) -> Watched:
    """Looks until two looks agree on good or bad news, or until `patience.most` seconds are over."""
    began = patience.clock()
    looks = 0
    last = Judgement(Verdict.UNCLEAR, say("clouds.seen_nothing"))
    since = began
    first_word: datetime | None = None
    while True:
        sight = news(cloud.look(machine), before)
        now = judge(sight)
        looks += 1
        at = patience.clock()
        if now.verdict is not last.verdict or looks == 1:
            since, first_word = at, sight.agent_when
        last = now
        tell(say("clouds.watching", seconds=round(at - began), reason=now.reason))
        # A look is one moment: bad news is believed at the second, good news once it has lasted.
        agreed = patience.between / 2
        if now.verdict is Verdict.HEALTHY:
            agreed = patience.settle * (1 if sight.agent_when != first_word else _STANDING_STILL)
        early = now.verdict is Verdict.FAILED and since - began < patience.grace
        if now.verdict in (Verdict.HEALTHY, Verdict.FAILED) and not early and at > since and at - since >= agreed:
            return Watched(now.verdict, now.reason, at - began, looks, now.off)
        if early:
            since = at
        if at - began >= patience.most:
            return _time_is_over(now, at - began, looks, early=early)
        patience.sleep(patience.between)


def _time_is_over(last: Judgement, seconds: float, looks: int, *, early: bool) -> Watched:
    """Nobody waits for ever: what has not begun to move by now is called failed, what moves is left alone."""
    verdict, reason = last.verdict, last.reason
    if verdict is Verdict.STARTING and not last.moving:
        verdict, reason = Verdict.FAILED, say("clouds.not_up", minutes=round(seconds / 60), reason=last.reason)
    if verdict is Verdict.HEALTHY:  # Ready, but not for long enough to count
        verdict = Verdict.STARTING
    if early:  # bad news that may be of the start before
        verdict = Verdict.UNCLEAR
    return Watched(verdict, reason, seconds, looks, last.off)
