"""Which run a machine stands in: by the records of this computer, else by the tags on what was made."""

from __future__ import annotations

from bootmend.clouds.cloud import Cloud, Machine
from bootmend.clouds.naming import BACKUP, REPAIRED
from bootmend.clouds.run import Run, Stage, Store


def standing(cloud: Cloud, store: Store, machine: Machine) -> Run | None:
    """The newest run that is neither back nor confirmed; None where there is none."""
    for run in store.of_machine(cloud.kind, machine.id):
        if run.stage in (Stage.OPEN, Stage.DONE, Stage.GOING_BACK):
            return run
    return _by_tags(cloud, store, machine)


def _by_tags(cloud: Cloud, store: Store, machine: Machine) -> Run | None:
    """A run of another computer, as far as its tags tell.

    Whether the machine ran before is not among them: it is taken for one that did, because a machine that is
    off for no reason is the worse surprise.
    """
    known = {run.id for run in store.of_machine(cloud.kind, machine.id)}
    made = [thing for thing in cloud.things(machine) if thing.run not in known]
    # The disk of a run that was confirmed keeps its tags, and nothing else of it is left.
    if not any(thing.id.lower() != machine.disk.lower() for thing in made):
        return None
    newest = max(thing.run for thing in made)
    mine = [thing for thing in made if thing.run == newest]
    # The backup first: of which disk it is a snapshot, the cloud itself knows.
    told = sorted(mine, key=lambda thing: thing.role != BACKUP)
    old_disk = next((thing.old_disk for thing in told if thing.old_disk), machine.disk)
    new_disk = next((thing.id for thing in mine if thing.role == REPAIRED), "")
    backup = next((thing.id for thing in mine if thing.role == BACKUP), "")
    on_new = machine.disk.lower() == new_disk.lower()
    return Run(
        id=newest,
        cloud=cloud.kind,
        machine=machine.id,
        name=machine.name,
        how="",
        old_disk=old_disk,
        was_running=True,
        stage=Stage.DONE if on_new else Stage.OPEN,
        backup=backup,
        new_disk=new_disk,
    )
