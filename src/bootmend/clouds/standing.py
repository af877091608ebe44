"""Which run a machine stands in: by the records of this computer, else by the tags on what was made."""

from __future__ import annotations

from typing import Any

from bootmend.clouds.cloud import Cloud, Machine
from bootmend.clouds.naming import BACKUP, HELPER, HELPER_GROUP, JOB, LOOK, RAN, REPAIRED
from bootmend.clouds.run import Run, Stage, Store
from bootmend.errors import BootmendError, Missing


def standing(cloud: Cloud, store: Store, machine: Machine) -> Run | None:
    """The newest run that is neither back nor confirmed, one that only looked when nothing else is left; or None."""
    known = [run for run in store.of_machine(cloud.kind, machine.id) if run.unfinished or run.stage is Stage.DONE]
    repairs = [run for run in known if not run.looks]
    return repairs[0] if repairs else _by_tags(cloud, store, machine) or (known[0] if known else None)


def repairs(store: Store, kind: str, machine: str) -> list[Run]:
    """Those of a machine on record here: an open one first, whatever the clock said then, and else the newest."""
    runs = [run for run in store.of_machine(kind, machine) if not run.looks]
    return sorted(runs, key=lambda run: not run.unfinished)


def broken_off(store: Store, kind: str, machine: str) -> Run | None:
    """The newest repair of a machine on record here, if it was broken off, be it with nothing but its helper left."""
    last = next(iter(repairs(store, kind, machine)), None)
    if last is None or not (last.unfinished or (last.how == HELPER and HELPER not in last.steps)):
        return None
    return last


def standing_of_gone(cloud: Cloud, store: Store, name: str) -> Run | None:
    """The run on record here of a machine that was not found by that name or id, where it is truly gone."""
    found = [
        run
        for run in store.runs()
        if run.cloud == cloud.kind and name.lower() in (run.name.lower(), run.machine.lower())
    ]
    stands = [run for run in found if run.stage in (Stage.OPEN, Stage.DONE, Stage.GOING_BACK)]
    if len({run.machine.lower() for run in stands}) != 1:
        return None
    run = stands[0]
    return run if name.lower() == run.machine.lower() or _is_gone(cloud, run) else None


def _is_gone(cloud: Cloud, run: Run) -> bool:
    """By its id: the name may have been looked for in another resource group."""
    try:
        cloud.find(run.machine)
    except BootmendError as error:
        return isinstance(error, Missing)
    return False


def _by_tags(cloud: Cloud, store: Store, machine: Machine) -> Run | None:
    """A run of another computer, as far as its tags tell.

    Where they do not tell whether the machine ran before, it is taken for one that did, because a machine that is
    off for no reason is the worse surprise.
    """
    known = {run.id for run in store.of_machine(cloud.kind, machine.id)}
    made = [thing for thing in cloud.things(machine) if thing.run not in known]
    # The disk of a run that was confirmed keeps its tags, and nothing else of it is left.
    if not any(thing.id.lower() != machine.disk.lower() for thing in made):
        return None
    # One that only looked is asked about when nothing else is left.
    newest = max(made, key=lambda thing: (thing.role != LOOK, thing.run)).run
    mine = [thing for thing in made if thing.run == newest]
    # The backup first: of which disk it is a snapshot, the cloud itself knows.
    told = sorted(mine, key=lambda thing: thing.role != BACKUP)
    old_disk = next((thing.old_disk for thing in told if thing.old_disk), machine.disk)
    new_disk = next((thing.id for thing in mine if thing.role == REPAIRED), "")
    backup = next((thing for thing in mine if thing.role == BACKUP), None)
    if backup is None and not all(thing.role == LOOK for thing in mine) and not cloud.has_disk(old_disk):
        return None  # it was confirmed: its disk is the owner's
    marks = backup.marks if backup is not None else {}
    on_new = machine.disk.lower() == new_disk.lower()
    options: dict[str, Any] = {"place": machine.place}
    if JOB in marks:
        options["job"] = marks[JOB]
    if HELPER_GROUP in marks:
        options["helper"] = {"group": marks[HELPER_GROUP]}
    return Run(
        id=newest,
        cloud=cloud.kind,
        machine=machine.id,
        name=machine.name,
        how=LOOK if all(thing.role == LOOK for thing in mine) else "",
        old_disk=old_disk,
        was_running=marks.get(RAN) != "no",
        stage=Stage.DONE if on_new else Stage.OPEN,
        backup=backup.id if backup is not None else "",
        new_disk=new_disk,
        options=options,
    )
