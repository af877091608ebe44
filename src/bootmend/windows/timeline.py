"""The last starts of a machine, put together from its witnesses.

    Hearing -> Timeline: everything in order of time; what of it counts; the few lines a person reads

What is older than 30 days before the last try to start is a lead, not a finding: machines keep logs of troubles that
are long over.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property

from bootmend.windows.witnesses import Hearing
from bootmend.windows.witnesses.observation import Kind, Observation

_RECENT = timedelta(days=30) // timedelta(microseconds=1) * 10
"""In units of a FILETIME."""
_TRIES = (Kind.STARTED, Kind.STOPPED, Kind.TRIED, Kind.FAILED, Kind.CRASHED)
_SHOWN = {
    Kind.STARTED: 1,
    Kind.STOPPED: 1,
    Kind.TRIED: 1,
    Kind.FAILED: 1,
    Kind.CRASHED: 2,
    Kind.UPDATED: 2,
    Kind.DRIVER: 2,
    Kind.REFUSED: 2,
    Kind.BLOCKED: 2,
    Kind.STORE: 1,
}
"""How many of a kind, the newest, make the short form."""
MOST_SHOWN = 10


@dataclass
class Timeline:
    hearing: Hearing = field(default_factory=Hearing)

    @cached_property
    def observations(self) -> list[Observation]:
        """All of them, oldest first; those without a time come first. One fact told twice is one."""
        ordered = sorted(self.hearing.observations, key=lambda one: one.when or 0)
        return list({(one.when, one.what): one for one in ordered}.values())

    @property
    def unread(self) -> list[str]:
        return self.hearing.unread

    def newest(self, *kinds: Kind) -> Observation | None:
        return next((one for one in reversed(self.observations) if one.kind in kinds and one.when), None)

    @cached_property
    def last_try(self) -> int | None:
        """FILETIME of the last sign that somebody started this machine."""
        found = self.newest(*_TRIES)
        return found.when if found is not None else None

    def recent(self, one: Observation) -> bool:
        """It counts: not older than 30 days before the last try. Without a time it does not."""
        return one.when is not None and self.last_try is not None and one.when >= self.last_try - _RECENT

    @cached_property
    def failed_since_start(self) -> list[Observation]:
        """Starts that did not come through, after the last one that did."""
        started = self.newest(Kind.STARTED)
        since = started.when if started is not None and started.when else 0
        return [one for one in self.observations if one.kind is Kind.FAILED and (one.when or 0) > since]

    @cached_property
    def refusals(self) -> dict[str, list[Observation]]:
        """Files that code integrity did not accept, by name in lower case; newest first, and only what counts."""
        found: dict[str, list[Observation]] = {}
        for one in reversed(self.observations):
            if one.kind in (Kind.REFUSED, Kind.BLOCKED) and self.recent(one):
                found.setdefault(one.subject.lower(), []).append(one)
        return found

    @cached_property
    def highlights(self) -> list[Observation]:
        """The few that a person reads, oldest first: the newest of each kind that count."""
        left = dict(_SHOWN)
        chosen: list[Observation] = []
        for one in reversed(self.observations):
            if left.get(one.kind, 0) and self.recent(one):
                left[one.kind] -= 1
                chosen.append(one)
        return sorted(chosen[:MOST_SHOWN], key=lambda one: one.when or 0)
