"""The way back, and the end of what stays: the machine gets its old disk, or keeps its new one; what a run made goes.

    go_back    the old disk and the old power again; what the run made goes
    confirm    the repaired disk stays; the old one and the snapshot go
    clear_up   what a run made goes, found by the tags on it: so also what a crash kept out of its record

All of it may be done again after a crash, and from another computer.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

from bootmend.clouds.cloud import Cloud, Machine, Thing
from bootmend.clouds.rivals import ran_before, rivals, rivals_of
from bootmend.clouds.run import Run, Stage, Store
from bootmend.errors import BootmendError, HalfWay, InputError, Missing, Refused
from bootmend.repair import Progress
from bootmend.texts import say

_LONGEST_LINK = timedelta(hours=4)


def strange_disk(run: Run, disk: str) -> Refused:
    return Refused(say("clouds.strange_disk", name=run.name, disk=disk), say("clouds.strange_disk_next"))


def go_back(
    cloud: Cloud, store: Store, run: Run, tell: Progress = lambda _: None, *, keep_strange: bool = False
) -> None:
    """The machine gets its old disk and its old power; what the run made goes. May be done again after a crash.

    Refused while it boots from a third disk; with `keep_strange` it keeps that one, and only what the run made goes.
    """
    machine = _still_there(cloud, run)
    if machine is None or run.looks:
        _end_beside(cloud, store, run, tell)
        return
    made = cloud.things(machine)
    ours = {thing.id.lower() for thing in made if thing.run == run.id} | {run.new_disk.lower()}
    strange = machine.disk.lower() not in {run.old_disk.lower(), *ours}
    others = rivals(store, cloud.kind, machine, made, run.id)
    theirs = {thing.id.lower() for thing in made if thing.run in {one.run for one in others}}
    if others and (machine.disk.lower() == run.old_disk.lower() or machine.disk.lower() in theirs):
        _give_way(cloud, store, run, others, tell)
        return
    if run.stage is Stage.DONE and machine.disk.lower() == run.old_disk.lower() and not cloud.has_disk(run.new_disk):
        # Put back from elsewhere: what its power is since then, is nothing of this run's.
        run.reason = say("clouds.back_already", name=run.name)
        end(cloud, store, run, tell)
        return
    to_be_swapped = machine.disk.lower() != run.old_disk.lower() and not (strange and keep_strange)
    if to_be_swapped and not cloud.has_disk(run.old_disk):
        # Before anything is stopped: a confirm, here or elsewhere, or somebody clearing up, has removed it.
        raise Refused(
            say("clouds.old_disk_gone", name=run.name, disk=run.old_disk),
            say("clouds.old_disk_gone_next", backup=run.backup or "-"),
        )
    swapped = run.stage is Stage.DONE or "swap" in run.steps
    if strange and swapped and not keep_strange:
        raise strange_disk(run, machine.disk)
    if run.stage is not Stage.GOING_BACK:
        run.stage = Stage.GOING_BACK
        save_if_possible(store, run, tell)
    if strange:
        # Somebody is at work at this machine: neither its disk nor its power is ours to change any more.
        run.reason = say("clouds.kept_strange", name=run.name, disk=machine.disk)
        end(cloud, store, run, tell)
        return
    try:
        _put_back(cloud, run, machine, tell)
    except Refused as bar:
        raise half_way(cloud, run, "clouds.not_put_back", bar) from bar
    run.stage = Stage.BACK
    store.save(run)


def _put_back(cloud: Cloud, run: Run, machine: Machine, tell: Progress) -> None:
    """Its old disk, its old power; what the run made goes."""
    # Somebody may be reading the old disk meanwhile; one that is linked is put into no machine.
    cloud.close_access(run.old_disk)
    if machine.disk.lower() != run.old_disk.lower():
        tell(say("clouds.swapping_back", name=run.name))
        cloud.stop(run.machine)
        cloud.swap(run.machine, run.old_disk)
    if run.was_running:
        tell(say("clouds.starting", name=run.name))
        cloud.start(run.machine)
    clear_up(cloud, run, tell)


def save_if_possible(store: Store, run: Run, tell: Progress) -> None:
    """A full disk here is no reason to leave a machine off: each step of the way back may be done again."""
    try:
        store.save(run)
    except InputError as error:
        tell(str(error))


def half_way(cloud: Cloud, run: Run, told: str, bar: Refused) -> HalfWay:
    """What was begun cannot be ended just now; says how the machine stands."""
    power = disk = "?"
    with suppress(BootmendError):
        machine = cloud.find(run.machine)
        power, disk = machine.power.value, machine.disk
    return HalfWay(say(told, name=run.name, power=power, disk=disk.rsplit("/", 1)[-1], why=str(bar)))


def _still_there(cloud: Cloud, run: Run) -> Machine | None:
    """None where somebody has deleted the machine."""
    try:
        return cloud.find(run.machine)
    except Missing:
        return None


def _end_beside(cloud: Cloud, store: Store, run: Run, tell: Progress) -> None:
    """What the run made goes and no machine is touched: it only looked, or the machine is gone.

    Refused where the machine that is gone has had the repaired disk: what was written since is on that alone.
    """
    if not run.looks and (run.stage is Stage.DONE or "swap" in run.steps):
        raise Refused(say("clouds.machine_gone", name=run.name), say("clouds.machine_gone_next", disk=run.new_disk))
    if not run.looks:
        run.reason = say("clouds.machine_gone", name=run.name)
    end(cloud, store, run, tell)


def _give_way(cloud: Cloud, store: Store, run: Run, others: Sequence[Thing], tell: Progress) -> None:
    """Another computer's run is at this machine: this one takes its things away, and the last of them starts it."""
    run.stage = Stage.GOING_BACK
    # It may have been stopped by either; a crash here must not forget it.
    run.was_running = ran_before(run, others)
    store.save(run)
    clear_up(cloud, run, tell)
    machine = cloud.find(run.machine)
    left = {thing.id.lower() for thing in rivals_of(cloud, store, run, machine)}
    last = machine.disk.lower() == run.old_disk.lower() and not left
    # Theirs is in place already: then it was this run that stopped it, and they may be waiting for it to come up.
    theirs = "stop" in run.steps and machine.disk.lower() != run.old_disk.lower()
    if run.was_running and (last or theirs):
        cloud.close_access(machine.disk)
        tell(say("clouds.starting", name=run.name))
        cloud.start(run.machine)
    run.stage = Stage.BACK
    store.save(run)


def confirm(cloud: Cloud, store: Store, run: Run, tell: Progress = lambda _: None) -> None:
    """The machine stays as it is: its old disk and the snapshot go. Refused while it boots from another disk."""
    machine = cloud.find(run.machine)
    if machine.disk.lower() != run.new_disk.lower():
        raise Refused(say("clouds.not_on_new_disk", name=run.name, disk=machine.disk), say("clouds.not_on_new_next"))
    cloud.remove(run.old_disk)
    try:
        clear_up(cloud, run, tell, keep=run.new_disk)
    except Refused as bar:
        raise half_way(cloud, run, "clouds.not_cleared_up", bar) from bar
    run.stage = Stage.CONFIRMED
    store.save(run)


def clear_up(cloud: Cloud, run: Run, tell: Progress, keep: str = "") -> None:
    """Removes what this run made, by the tags on it: so also what a crash kept out of the record."""
    machine = _still_there(cloud, run) or run.as_begun
    # Machines last: a helper to which disks are attached, perhaps somebody else's, is not removed.
    for thing in sorted(cloud.things(machine), key=lambda one: one.kind == "machine"):
        if thing.run == run.id and thing.id.lower() != keep.lower():
            tell(say("clouds.removing", kind=thing.kind, id=thing.id.rsplit("/", 1)[-1]))
            cloud.close_access(thing.id)
            cloud.remove(thing.id)
    # A link ends by itself after some hours; one that is there later is somebody else's.
    if run.looks and run.options.get("in_place") and run.age < _LONGEST_LINK:
        cloud.close_access(run.old_disk)


def clear_looks(cloud: Cloud, store: Store, machine: str, tell: Progress = lambda _: None) -> None:
    """Ends what diagnoses of this computer that were broken off have left: a snapshot, or a link to the disk's bytes.

    Under `Store.alone`, so that none of them is still at work.
    """
    for run in store.of_machine(cloud.kind, machine):
        if run.looks and run.unfinished:
            end(cloud, store, run, tell)


def end(cloud: Cloud, store: Store, run: Run, tell: Progress) -> None:
    """What the run made goes, and no machine is touched."""
    clear_up(cloud, run, tell)
    run.stage = Stage.BACK
    store.save(run)
