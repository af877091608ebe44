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


def broken_off(store: Store, kind: str, machine: str) -> Run | None:
    """The newest repair of a machine on record here, if it was broken off, be it with nothing but its helper left."""
    runs = [run for run in store.of_machine(kind, machine) if not run.looks]
    if (open_one := next((run for run in runs if run.unfinished), None)) is not None:
        return open_one  # its id need not be the newest: clocks are put right
    alone = bool(runs) and runs[0].how == HELPER and HELPER not in runs[0].steps
    return runs[0] if alone else None


def standing_of_gone(cloud: Cloud, store: Store, name: str) -> Run | None:
    """The run on record here of a machine of that name or id that is not there any more."""
    found = [
        run
        for run in store.runs()
        if run.cloud == cloud.kind and name.lower() in (run.name.lower(), run.machine.lower())
    ]
    stands = [run for run in found if run.stage in (Stage.OPEN, Stage.DONE, Stage.GOING_BACK)]
    return stands[0] if len({run.machine.lower() for run in stands}) == 1 and _is_gone(cloud, stands[0]) else None


def _is_gone(cloud: Cloud, run: Run) -> bool:
    """By its id: another resource group may be asked for."""
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
