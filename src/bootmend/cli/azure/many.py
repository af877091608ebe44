"""`bootmend azure repair VM VM...`: several machines side by side, mended in batches on one helper a place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from bootmend.cli.azure.session import ask, azure_cloud, refuse_barred
from bootmend.cli.azure.several import clear_helpers, finish, found, label, packed, worked_at
from bootmend.cli.note import note
from bootmend.errors import BootmendError, Missing, Misuse, Refused
from bootmend.texts import say

if TYPE_CHECKING:
    from bootmend.clouds.azure.cloud import AzureCloud
    from bootmend.clouds.azure.helper_machine import Wanted
    from bootmend.clouds.cloud import Thing
    from bootmend.clouds.many import Member, Stop
    from bootmend.clouds.run import Store
    from bootmend.repair import Progress


@dataclass(slots=True)
class Asked:
    """What the user wants of all of them."""

    helper: Wanted
    chosen: bool
    """The helper's size was named."""
    trust: list[Path]
    donor: list[str]
    only: list[str]
    accept: list[str]
    start: bool
    wait: float
    resume: bool
    force: bool
    yes: bool
    json: bool
    at_once: int


def repair_many(names: Sequence[str], group: str, subscription: str, asked: Asked) -> None:
    """Ends with 0 where all of them are well, else with 1, or with the code of the only kind of trouble there was."""
    from bootmend.cli.session import given
    from bootmend.clouds.many import Stop
    from bootmend.clouds.run import Store

    cloud, store, stop = azure_cloud(group, subscription, names[0]), Store(tell=note), Stop()
    with (
        found(cloud, store, names) as members,
        TemporaryDirectory(prefix="bootmend-") as folder,
        given(asked.trust, asked.donor) as what,
    ):
        donors = packed(what, Path(folder))
        costs = _looked_at(cloud, store, members, asked, stop)
        wanted = [one for one in members if one.error is None]
        if not wanted:
            finish("repair", cloud, store, members, asked.json, False)
        if not asked.resume:
            _agreed(members, wanted, costs, asked)
            _begun(store, wanted, asked)
        try:
            _repaired(cloud, store, wanted, asked, stop, donors)
        finally:
            clear_helpers(cloud, store, members)
        _seen_again(cloud, wanted, asked, stop)
        finish("repair", cloud, store, members, asked.json, all(one.good for one in members))


def _seen_again(cloud: AzureCloud, wanted: list[Member], asked: Asked, stop: Stop) -> None:
    """As they are now; one that cannot be asked is told of as it was."""
    from bootmend.clouds.many import side_by_side

    def find(member: Member) -> None:
        with suppress(BootmendError):
            member.machine = cloud.find(member.name)

    side_by_side(wanted, find, asked.at_once, stop)


def _looked_at(cloud: AzureCloud, store: Store, members: list[Member], asked: Asked, stop: Stop) -> Counter[str]:
    """What each of them makes that costs; whatever speaks against one is kept with it."""
    from bootmend.clouds.cloud import How
    from bootmend.clouds.flow import refuse_unfinished
    from bootmend.clouds.many import side_by_side
    from bootmend.clouds.standing import repairs
    from bootmend.clouds.watch import Verdict, judge
    from bootmend.clouds.way_back import clear_looks

    costs: list[str] = []

    def first(member: Member) -> None:
        member.machine = cloud.find(member.name)
        if asked.resume:
            runs = repairs(store, cloud.kind, member.machine.id)
            # One of the job that has ended is told of again, with the others.
            if not runs or not (runs[0].unfinished or runs[0].options.get("job")):
                raise Missing(say("clouds.nothing_to_resume", name=member.machine.name))
            if runs[0].unfinished and runs[0].how != "helper":
                raise Misuse(say("many.begun_direct", name=member.machine.name))
            agreed = asked.yes or "job" in runs[0].options or runs[0].options.get("yes", True)
            if runs[0].unfinished and not agreed:
                raise Refused(say("many.not_agreed", name=member.machine.name), say("clouds.nobody_to_ask_next"))
            member.run = runs[0]

    def further(member: Member) -> None:
        machine = member.machine
        if machine is None:
            return
        clear_looks(cloud, store, machine.id)
        refuse_unfinished(cloud, store, machine, made[machine.id])
        refuse_barred(cloud.obstacles(machine), How.HELPER)
        if judge(cloud.look(machine.id)).verdict is Verdict.HEALTHY and not asked.force:
            raise Refused(say("clouds.runs_well", name=machine.name), say("clouds.runs_well_next"))
        costs.extend(cloud.costs(machine, How.DIRECT))

    open_ones = [one for one in members if one.error is None]
    side_by_side(open_ones, first, asked.at_once, stop)
    if not asked.resume:
        made: dict[str, list[Thing]] = cloud.things_of(one.machine for one in open_ones if one.machine is not None)
        side_by_side([one for one in open_ones if one.error is None], further, asked.at_once, stop)
    return Counter(costs)


def _agreed(members: list[Member], wanted: list[Member], costs: Counter[str], asked: Asked) -> None:
    """Everything that speaks against some, what the others cost, and one question."""
    from bootmend.clouds.azure.helper_machine import size_for

    places = Counter(one.machine.place for one in wanted if one.machine is not None)
    first = wanted[0].machine
    if not asked.chosen:
        size, disks = size_for(max(places.values()))
        asked.helper = replace(asked.helper, size=size, data_disks=disks)
    if not asked.helper.group and first is not None:
        from bootmend.clouds.azure.ids import ResourceId

        asked.helper = replace(asked.helper, group=ResourceId.parse(first.id).group)
    if not asked.yes:
        lines = [say("many.barred", name=label(one), why=one.error) for one in members if one.error is not None]
        lines += [say("many.will_repair", names=" ".join(map(label, wanted))), say("clouds.will_make")]
        lines += [f"  - {say('many.cost', count=count, what=what)}" for what, count in sorted(costs.items())]
        lines.append("  - " + say("many.cost_helper", size=asked.helper.size, places=", ".join(sorted(places))))
        lines.append(say("many.will_stop"))
        note("\n".join(lines))
    ask(say("many.ask_repair", count=len(wanted)), asked.yes)


def _begun(store: Store, wanted: list[Member], asked: Asked) -> None:
    """A run of each, on record before anything is done; the job is named after the first of them."""
    from bootmend.clouds.naming import new_run_id
    from bootmend.clouds.run import Run

    job, taken = "", set[str]()
    for one in wanted:
        if one.machine is None:
            continue
        options: dict[str, Any] = {
            "only": asked.only,
            "accept": asked.accept,
            "start": asked.start,
            "wait": asked.wait,
            "helper": asdict(asked.helper),
            "place": one.machine.place,
        }
        run = Run.of("azure", one.machine, "helper", options)
        while run.id in taken:  # hundreds in one second do meet
            run.id = new_run_id()
        taken.add(run.id)
        job = job or run.id
        run.options["job"] = job
        one.run = run
        store.save(run)


def _repaired(
    cloud: AzureCloud, store: Store, wanted: list[Member], asked: Asked, stop: Stop, donors: Path | None
) -> None:
    from bootmend.cli.azure.session import telling
    from bootmend.cli.session import roots_given
    from bootmend.clouds.azure.batch import Batches
    from bootmend.clouds.azure.helper import Helper, Orders
    from bootmend.clouds.azure.helper_choice import wanted_of
    from bootmend.clouds.flow import Flow
    from bootmend.clouds.watch import Patience

    for one in wanted:
        if one.run is not None and one.machine is not None:  # one that was begun alone goes on with the others
            one.run.options.setdefault("place", one.machine.place)
    runs = [one.run for one in wanted if one.run is not None]
    job = next((run.options["job"] for run in runs if "job" in run.options), runs[0].id)
    for run in runs:
        run.options.setdefault("job", job)
    orders = Orders([root.decode("latin-1") for root in roots_given(asked.trust)], donors)
    helper = Helper(cloud, store, wanted_of(runs[0]), orders)
    way = Batches(helper, job, {run.id: str(run.options["place"]) for run in runs})
    haste = cloud.connection.haste

    def repaired(member: Member, tell: Progress) -> None:
        run = member.run
        if run is None:
            return
        wait = 60 * float(run.options.get("wait", asked.wait)) / haste
        patience = Patience(wait, 10 / haste, 45 / haste, 60 / haste, sleep=stop.sleep)
        try:
            Flow(cloud, store, run, way, patience, tell).go()
        finally:
            way.leave(run)

    if asked.resume:
        with telling(cloud) as tell:
            way.clear(runs, tell)
    worked_at(cloud, wanted, repaired, stop, asked.at_once)
