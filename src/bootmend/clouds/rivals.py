"""Two computers at one machine: a run's backup is its claim, and whoever sees another's gives way.

    each       makes its backup, then looks           so of two at least one sees the other's
    sees one   takes away what it made, looks again
                 somebody's is left   that run goes on, or it gives way too and is the last to look
                 nothing is left      the last one: the machine gets back the power it had before either

A record of this computer is no rival, for the lock of its `Store` keeps runs of one computer apart. That a list of
Azure's shows what was made before it was asked for is assumed; a second look before the swap makes up for a slow one.
"""

from __future__ import annotations

from collections.abc import Iterable

from bootmend.clouds.cloud import Cloud, Machine, Thing
from bootmend.clouds.naming import BACKUP, RAN
from bootmend.clouds.run import Run, Store


def rivals(store: Store, kind: str, machine: Machine, made: Iterable[Thing], own: str = "") -> list[Thing]:
    """Of what runs made for a machine, that of runs which this computer knows nothing of; `own` is no rival either.

    Without a backup a run is none: the disk of one that was confirmed keeps its tags, and nothing else of it is left.
    A snapshot that is only read is in nobody's way.
    """
    known = {run.id for run in store.of_machine(kind, machine.id)} | {own}
    made = [one for one in made if one.run not in known and one.id.lower() != machine.disk.lower()]
    claimed = {one.run for one in made if one.role == BACKUP}
    return [one for one in made if one.run in claimed]


def ran_before(run: Run, others: Iterable[Thing]) -> bool:
    """Before this run or one of theirs, whichever stopped it."""
    return run.was_running or any(one.marks.get(RAN) == "yes" for one in others)


def rivals_of(cloud: Cloud, store: Store, run: Run, machine: Machine) -> list[Thing]:
    """As they are now."""
    return rivals(store, cloud.kind, machine, cloud.things(machine), run.id)
