"""`bootmend azure repair`: from a virtual machine that does not boot to one that does, or back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from bootmend.cli.azure.left import as_it_stands, helper_cleared, naming_what_is_left
from bootmend.cli.azure.many import Asked, repair_many
from bootmend.cli.azure.rehearse import rehearse
from bootmend.cli.azure.session import (
    Group,
    Subscription,
    Vms,
    ask,
    azure_cloud,
    helper_wanted,
    minutes,
    need_somebody,
    refuse_barred,
    show_machine,
    show_result,
    show_run,
    telling,
)
from bootmend.cli.azure.several import AT_ONCE, packed
from bootmend.cli.note import note
from bootmend.cli.options import Accept, AsJson, Donors, Trusted, Yes
from bootmend.errors import Missing, Misuse, Refused
from bootmend.texts import say

if TYPE_CHECKING:
    from rich.console import Console

    from bootmend.clouds.azure.cloud import AzureCloud
    from bootmend.clouds.azure.helper import Helper
    from bootmend.clouds.cloud import How, Machine
    from bootmend.clouds.flow import Flow
    from bootmend.clouds.mending import Here
    from bootmend.clouds.run import Run, Store
    from bootmend.repair import Proposal
    from bootmend.windows.donor import Given

SMALLEST = "Standard_B2als_v2"
HowWord = Annotated[
    Literal["direct", "helper"],
    typer.Option("--how", help="direct: the disk is read and filled by ranges; helper: on a small Linux machine."),
]
Only = Annotated[list[str], typer.Option("--only", metavar="RULE", help="Mend only what this rule finds.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Read, plan and rehearse, then stop; the machine is left as it is.")
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the run that was broken off.")]
NoStart = Annotated[bool, typer.Option("--no-start", help="Leave the machine off, on its repaired disk.")]
Wait = Annotated[float, typer.Option("--wait", metavar="MINUTES", help="How long it may take to come up.")]
HelperGroup = Annotated[
    str, typer.Option("--helper-group", metavar="NAME", help="Resource group of the helper; default: that of VM.")
]
HelperSize = Annotated[str, typer.Option("--helper-size", metavar="SIZE", help="A size with at least 4 data disks.")]
HelperDiskKind = Annotated[
    str, typer.Option("--helper-disk-kind", metavar="SKU", help="Of the disks that are made for the helper.")
]
HelperSubnet = Annotated[
    str, typer.Option("--helper-subnet", metavar="ID", help="Put the helper there; default: a network of its own.")
]
HelperDisks = Annotated[
    int, typer.Option("--helper-disks", metavar="N", min=0, max=64, help="Data disks that a machine of its size takes.")
]
AtOnce = Annotated[
    int, typer.Option("--at-once", metavar="N", min=1, max=500, help="Of several machines, how many side by side.")
]
KeepHelper = Annotated[bool, typer.Option("--keep-helper", help="Leave the helper there for the next repair.")]
Tags = Annotated[
    list[str], typer.Option("--tag", metavar="NAME=VALUE", help="On the helper and its disks, where a policy asks.")
]
Force = Annotated[bool, typer.Option("--force", help="Also where its agent says that it runs well.")]


def repair(
    vm: Vms,
    resource_group: Group = "",
    subscription: Subscription = "",
    how: HowWord = "helper",
    helper_group: HelperGroup = "",
    helper_size: HelperSize = SMALLEST,
    helper_disk_kind: HelperDiskKind = "StandardSSD_LRS",
    helper_subnet: HelperSubnet = "",
    helper_disks: HelperDisks = 0,
    keep_helper: KeepHelper = False,
    tag: Tags = [],
    donor: Donors = [],
    trust: Trusted = [],
    only: Only = [],
    accept: Accept = [],
    dry_run: DryRun = False,
    resume: Resume = False,
    no_start: NoStart = False,
    wait: Wait = 15.0,
    force: Force = False,
    at_once: AtOnce = AT_ONCE,
    yes: Yes = False,
    json: AsJson = False,
) -> None:
    """Mend what keeps VM from booting on a copy of its OS disk, put that in its place, and watch it come up.

    Asks before the machine is stopped, and with the plan in view before the repaired disk is put in place. The old disk
    and a snapshot of it are kept until `azure confirm` or `azure undo`. A machine that does not come up gets its old
    disk back. Several machines are repaired side by side and share a helper for each region and zone;
    what goes wrong with one of them holds up no other. Exit code 0: it runs, or nothing was wrong; 1: it does not,
    or that cannot be told.
    """
    from bootmend.cli.output import console, put_document
    from bootmend.cli.repair import _check_rules as check_rules
    from bootmend.cli.session import given
    from bootmend.clouds import document
    from bootmend.clouds.azure.helper import Helper
    from bootmend.clouds.cloud import How
    from bootmend.clouds.flow import Flow
    from bootmend.clouds.run import Stage, Store
    from bootmend.clouds.watch import Patience

    check_rules(only)
    minutes(wait)
    if json and not (yes or dry_run or resume):
        raise Refused(say("clouds.json_asks_nothing"), say("clouds.nobody_to_ask_next"))
    if dry_run:
        if len(vm) > 1 or resume:
            raise Misuse(say("azure.dry_run_alone"))
        rehearse(vm[0], (resource_group, subscription), donor, trust, only, accept, yes=yes, json=json)
    helper = helper_wanted(helper_group, helper_size, helper_disk_kind, helper_subnet, tag, keep_helper, helper_disks)
    cloud, store, out = azure_cloud(resource_group, subscription, vm[0]), Store(tell=note), console()
    if len(vm) > 1 or (resume and _of_a_job(store, cloud, vm[0])):
        if how == "direct":
            raise Misuse(say("many.only_helper"))
        chosen = bool(helper_disks) or helper_size != SMALLEST
        asked = Asked(helper, chosen, trust, donor, only, accept, not no_start, wait, resume, force, yes, json, at_once)
        repair_many(vm, resource_group, subscription, asked)
        return
    machine = cloud.find(vm[0])
    options: dict[str, Any] = {
        "only": only,
        "accept": accept,
        "start": not no_start,
        "wait": wait,
        "helper": asdict(helper),
        "place": machine.place,
        "yes": yes,
    }
    with store.alone(machine.id), given(trust, donor) as what, TemporaryDirectory(prefix="bootmend-") as folder:
        run = _broken_off(store, cloud, machine) if resume else None
        # Before anything is begun: too much of a donor is no reason to have stopped a machine.
        donors = packed(what, Path(folder)) if (run.how if run is not None else how) == "helper" else None
        if run is None:
            run = _begun(cloud, store, machine, How(how), options, yes=yes, force=force, json=json)
        way = _way(cloud, store, run, what, trust, None if json else out, donors)
        haste = cloud.connection.haste
        patience = Patience(60 * float(run.options.get("wait", wait)) / haste, 10 / haste, 45 / haste, 60 / haste)
        agreed = yes or bool(run.options.get("yes", True))
        if not agreed and run.stage is Stage.OPEN and "swap" not in run.steps:
            need_somebody(say("clouds.ask_swap", name=run.name))
        flow = Flow(cloud, store, run, way, patience, agreed=agreed)
        with naming_what_is_left(cloud, run, machine, "clouds.broken_off" if run.unfinished else "clouds.stage_done"):
            _go(cloud, flow, flow.go)
            if flow.waits:
                if isinstance(way, Helper):
                    show_result(out, store.result(run))
                try:
                    flow.agreed = typer.confirm(say("clouds.ask_swap", name=run.name), err=True)
                except typer.Abort:
                    raise KeyboardInterrupt from None  # here something is left half done
                run.options["yes"] = flow.agreed
                store.save(run)
                _go(cloud, flow, flow.go if flow.agreed else flow.decline)
            machine, things = as_it_stands(cloud, run, machine, anew=json)
    if json:
        put_document(
            {
                **document.head("repair"),
                "machine": document.machine(machine),
                "run": document.run(run),
                "kept": document.things(things),
                "result": store.result(run),
            }
        )
    else:
        if isinstance(way, Helper) and agreed:
            show_result(out, store.result(run))
        show_run(out, run, things)
    good = run.outcome == "healthy" or (run.stage is Stage.DONE and run.verdict == "healthy")
    raise typer.Exit(0 if good or (no_start and run.stage is Stage.DONE) else 1)


def _go(cloud: AzureCloud, flow: Flow, work: Callable[[], object]) -> None:
    """The helper goes where nothing is left to be done on it."""
    with telling(cloud) as flow.tell:
        try:
            work()
        finally:
            if flow.waits or not flow.run.unfinished:
                helper_cleared(cloud, flow.store, flow.run, flow.tell)


def _way(
    cloud: AzureCloud, store: Store, run: Run, what: Given, trust: list[Path], out: Console | None, donors: Path | None
) -> Here | Helper:
    """As the run was begun, so that a resumed one goes the same way."""
    from bootmend.cli.session import roots_given
    from bootmend.clouds.azure.helper import Helper, Orders
    from bootmend.clouds.azure.helper_choice import wanted_of
    from bootmend.clouds.mending import Asked, Here

    if run.how == "helper":
        roots = [root.decode("latin-1") for root in roots_given(trust)]
        return Helper(cloud, store, wanted_of(run), Orders(roots, donors))
    asked = Asked(what, run.options.get("only", ()), frozenset(run.options.get("accept", ())))
    return Here(cloud, asked) if out is None else Here(cloud, asked, lambda proposal: _show(out, proposal))


def _show(out: Console, proposal: Proposal) -> None:
    from bootmend.reports.terminal import show_diagnosis, show_proposal

    show_diagnosis(out, proposal.diagnosis)
    show_proposal(out, proposal)


def _begun(
    cloud: AzureCloud,
    store: Store,
    machine: Machine,
    how: How,
    options: dict[str, Any],
    *,
    yes: bool,
    force: bool,
    json: bool,
) -> Run:
    """A new run, once everything that speaks against it was looked at and the user agreed."""
    from bootmend.cli.output import console
    from bootmend.clouds.flow import begin, refuse_unfinished
    from bootmend.clouds.watch import Verdict, judge
    from bootmend.clouds.way_back import clear_looks

    clear_looks(cloud, store, machine.id)
    refuse_unfinished(cloud, store, machine)
    bars = cloud.obstacles(machine)
    refuse_barred(bars, how)
    sight = cloud.look(machine.id)
    if not json:
        show_machine(console(), machine, sight, bars)
    if judge(sight).verdict is Verdict.HEALTHY and not force:
        raise Refused(say("clouds.runs_well", name=machine.name), say("clouds.runs_well_next"))
    if not yes:
        for line in (say("clouds.will_make"), *(f"  - {cost}" for cost in cloud.costs(machine, how))):
            note(line)
        note(say("azure.will_stop", name=machine.name))
    ask(say("clouds.ask_repair", name=machine.name), yes)
    return begin(cloud, store, machine, how.value, options)


def _of_a_job(store: Store, cloud: AzureCloud, name: str) -> bool:
    """It was broken off together with others, and shares their helper."""
    from bootmend.clouds.standing import broken_off

    run = broken_off(store, cloud.kind, str(cloud.vms.resolve(name)))
    return run is not None and bool(run.options.get("job"))


def _broken_off(store: Store, cloud: AzureCloud, machine: Machine) -> Run:
    from bootmend.clouds.standing import broken_off

    run = broken_off(store, cloud.kind, machine.id)
    if run is None:
        raise Missing(say("clouds.nothing_to_resume", name=machine.name))
    return run
