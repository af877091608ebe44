"""Which helper a run or a job works on: its own, or one that stays and that nobody else works on.

    own       named after the run or job: made for it, and removed when it has ended
    kept      one for each region and zone (--keep-helper), claimed by a tag for as long as somebody works on it

Two that changed the disks of one helper at a time would be in each other's way, and whoever ended first would take it
from the other. The tag is put there on the condition that nothing else was changed since it was read (If-Match), so of
two only one gets it. A claim that a crash left behind is good for nothing once it is older than any command.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from bootmend.clouds.azure.cloud import AzureCloud
from bootmend.clouds.azure.helper_machine import HelperMachine, Place, Wanted
from bootmend.clouds.azure.ids import ResourceId
from bootmend.clouds.naming import BUSY, FREE, HELPER, JOB, tags_of
from bootmend.clouds.run import Run, Store, now
from bootmend.errors import Refused
from bootmend.repair import Progress
from bootmend.texts import say

_STALE = timedelta(hours=6)
_LEAST = 2
"""Data disks: one to be repaired, and the parcel."""


def helpers_in_use(
    cloud: AzureCloud, place: Place, wanted: Wanted, owners: Collection[str]
) -> list[tuple[str, HelperMachine]]:
    """Those that runs or jobs may have left disks on, each with its owner: their own, and the one that stays if one
    of them claims it."""
    own = [(owner, own_helper(cloud, place, wanted, owner)) for owner in owners]
    found = [(owner, helper) for owner, helper in own if helper.find() is not None]
    kept = kept_helper(cloud, place, wanted)
    with suppress(Refused):
        vm = kept.find()
        claimant = _claimant(vm.tags) if vm is not None else ""
        if claimant in owners:
            found.append((claimant, kept))
    return found


def own_helper(cloud: AzureCloud, place: Place, wanted: Wanted, owner: str) -> HelperMachine:
    return HelperMachine(cloud.connection, cloud.vms.pace, place, wanted, owner=owner)


def kept_helper(cloud: AzureCloud, place: Place, wanted: Wanted) -> HelperMachine:
    return HelperMachine(cloud.connection, cloud.vms.pace, place, wanted)


def opened(
    cloud: AzureCloud, place: Place, wanted: Wanted, owner: str, tags: Mapping[str, str]
) -> tuple[HelperMachine, list[int]]:
    """A helper that runs and that nobody else uses, and which of its LUNs are taken; `tags` are of one that is made."""
    own = own_helper(cloud, place, wanted, owner)
    vm = own.find()
    if vm is not None:
        return own, own.start(vm)
    if (claimed := _claimed(kept_helper(cloud, place, wanted), wanted, owner)) is not None:
        kept, taken = claimed
        if kept.most - len(taken) >= _LEAST:
            return claimed
        _give_back(kept, owner)  # what others left on it leaves no room
    own.make(tags)
    cloud.vms.forget()
    return own, []


def _claimed(kept: HelperMachine, wanted: Wanted, owner: str) -> tuple[HelperMachine, list[int]] | None:
    """The one that stays, if it is there or is to be made, and is free."""
    claim = {BUSY: f"{owner} {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"}
    try:
        vm = kept.find()
    except Refused:  # a machine of that name that is not bootmend's
        if wanted.keep:
            raise
        return None
    if vm is None:
        return (kept, []) if wanted.keep and kept.make(claim) else None
    if _claimant(vm.tags) not in ("", owner) or not kept.mark(vm, claim):
        return None
    return kept, kept.start(vm)


def _claimant(tags: Mapping[str, str] | None) -> str:
    """The run or job that works on it; empty where none does, or did so too long ago."""
    owner, _, since = (tags or {}).get(BUSY, FREE).partition(" ")
    try:
        old = datetime.now(UTC) - datetime.fromisoformat(since) > _STALE
    except (ValueError, TypeError):
        return ""
    return "" if old or owner == FREE else owner


def wanted_of(run: Run) -> Wanted:
    """The helper that a run was begun with."""
    told = dict(run.options.get("helper", {}))
    told["tags"] = tuple((str(key), str(value)) for key, value in told.get("tags", ()))
    return Wanted(**told)


def place_of(run: Run, wanted: Wanted, place: str) -> Place:
    """`place` is that of its machine: region and zone."""
    location, _, zone = place.partition("/")
    return Place(wanted.group or ResourceId.parse(run.machine).group, location, zone)


def clear_helper(cloud: AzureCloud, store: Store, run: Run, tell: Progress) -> None:
    """Removes the helper that was made for a run or its job, unless another run of the job is still on its way.

    One that stays is free for others. Doing it again, or where there was none, changes nothing.
    """
    job = run.options.get("job", "")
    if run.how not in ("helper", ""):
        return
    if job and any(one.unfinished and one.options.get("job") == job for one in store.runs()):
        return
    wanted, owner = wanted_of(run), job or run.id
    place = place_of(run, wanted, str(run.options.get("place") or cloud.find(run.machine).place))
    own = own_helper(cloud, place, wanted, owner)
    vm = own.find()
    if vm is None:
        with suppress(Refused):  # whoever may not remove networks has made none
            own.remove_network()
    elif job and not run.how and _of_others(cloud, run, job):
        tell(say("azure.helper_stays", name=own.id))
    else:
        tell(say("clouds.removing", kind="machine", id=own.id.name))
        if not own.remove():
            raise Refused(say("azure.helper_holds", name=own.id), say("azure.helper_holds_next"))
        cloud.vms.forget()
    if vm is None or wanted.keep:
        _give_back(kept_helper(cloud, place, wanted), owner)
    run.steps.setdefault(HELPER, now())
    store.save(run)


def _give_back(kept: HelperMachine, owner: str) -> None:
    with suppress(Refused):  # a machine of that name that is not bootmend's
        vm = kept.find()
        if vm is not None and _claimant(vm.tags) == owner:
            kept.mark(vm, {BUSY: FREE})


def _of_others(cloud: AzureCloud, run: Run, job: str) -> bool:
    """Other runs of this job have something there: from another computer nobody knows whether they are on their way."""
    return any(thing.marks.get(JOB) == job and thing.run != run.id for _, thing in cloud.disks.things())


def tags_for(run: Run) -> dict[str, str]:
    """On a helper that is made for one run, or for the job it belongs to."""
    job = run.options.get("job")
    return {JOB: str(job)} if job else tags_of(run.machine, run.id, "")
