"""`bootmend azure repair`: from a virtual machine that does not boot to one that does, or back."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from bootmend.cli.azure.session import (
    Group,
    Subscription,
    Vm,
    ask,
    azure_cloud,
    refuse_barred,
    show_machine,
    show_run,
    telling,
)
from bootmend.cli.options import Accept, AsJson, Donors, Trusted, Yes
from bootmend.errors import BootmendError, Missing, Refused
from bootmend.texts import say

if TYPE_CHECKING:
    from rich.console import Console

    from bootmend.clouds.azure.cloud import AzureCloud
    from bootmend.clouds.cloud import How, Machine
    from bootmend.clouds.run import Run, Store
    from bootmend.repair import Proposal

HowWord = Annotated[
    Literal["direct", "helper"],
    typer.Option("--how", help="direct: the disk is read and filled by ranges; helper: on a small Linux machine."),
]
Only = Annotated[list[str], typer.Option("--only", metavar="RULE", help="Mend only what this rule finds.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the run that was broken off.")]
NoStart = Annotated[bool, typer.Option("--no-start", help="Leave the machine off, on its repaired disk.")]
Wait = Annotated[float, typer.Option("--wait", metavar="MINUTES", help="How long it may take to come up.")]
Force = Annotated[bool, typer.Option("--force", help="Also where its agent says that it runs well.")]


def repair(
    vm: Vm,
    resource_group: Group = "",
    subscription: Subscription = "",
    how: HowWord = "direct",
    donor: Donors = [],
    trust: Trusted = [],
    only: Only = [],
    accept: Accept = [],
    resume: Resume = False,
    no_start: NoStart = False,
    wait: Wait = 15.0,
    force: Force = False,
    yes: Yes = False,
    json: AsJson = False,
) -> None:
    """Mend what keeps VM from booting on a copy of its OS disk, put that in its place, and watch it come up.

    The old disk and a snapshot of it are kept until `azure confirm` or `azure undo`. A machine that does not come
    up gets its old disk back. Exit code 0: it runs, or nothing was wrong; 1: it does not, or that cannot be told.
    """
    from bootmend.cli.output import console, put_document
    from bootmend.cli.repair import _check_rules as check_rules
    from bootmend.cli.session import given
    from bootmend.clouds import document
    from bootmend.clouds.cloud import How
    from bootmend.clouds.flow import Flow
    from bootmend.clouds.mending import Asked, Here
    from bootmend.clouds.run import Stage, Store
    from bootmend.clouds.watch import Patience

    check_rules(only)
    cloud, store, out = azure_cloud(resource_group, subscription, vm), Store(), console()
    machine = cloud.find(vm)
    options: dict[str, Any] = {"only": only, "accept": accept, "start": not no_start, "wait": wait}
    with store.alone(machine.id), given(trust, donor) as what:
        if resume:
            run = _broken_off(store, cloud, machine)
        else:
            run = _begun(cloud, store, machine, How(how), options, yes=yes, force=force, json=json)
        asked = Asked(what, run.options.get("only", ()), frozenset(run.options.get("accept", ())))
        way = Here(cloud, asked) if json else Here(cloud, asked, lambda proposal: _show(out, proposal))
        haste = cloud.connection.haste
        patience = Patience(60 * float(run.options.get("wait", wait)) / haste, 10 / haste, 45 / haste, 60 / haste)
        with telling(cloud) as tell, _naming_what_is_left(cloud, run, machine):
            Flow(cloud, store, run, way, patience, tell).go()
    things = cloud.things(machine)
    if json:
        result = store.result(run)
        put_document(
            {
                **document.head("repair"),
                "machine": document.machine(cloud.find(machine.id)),
                **document.run(run),
                "kept": document.things(things),
                "result": result,
            }
        )
    else:
        show_run(out, run, things)
    good = run.outcome == "healthy" or (run.stage is Stage.DONE and run.verdict == "healthy")
    raise typer.Exit(0 if good or (no_start and run.stage is Stage.DONE) else 1)


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
            sys.stderr.write(line + "\n")
        sys.stderr.write(say("azure.will_stop", name=machine.name) + "\n")
    ask(say("clouds.ask_repair", name=machine.name), yes)
    return begin(cloud, store, machine, how.value, options)


def _broken_off(store: Store, cloud: AzureCloud, machine: Machine) -> Run:
    for run in store.of_machine(cloud.kind, machine.id):
        if run.unfinished:
            return run
    raise Missing(say("clouds.nothing_to_resume", name=machine.name))


@contextmanager
def _naming_what_is_left(cloud: AzureCloud, run: Run, machine: Machine) -> Iterator[None]:
    """Whatever ends the work, what it made and what can be done about it is told."""
    try:
        yield
    except BaseException:
        if run.unfinished:
            sys.stderr.write(say("clouds.broken_off", name=run.name, run=run.id) + "\n")
            with suppress(BootmendError):
                for thing in cloud.things(machine):
                    sys.stderr.write(say("clouds.kept", kind=thing.kind, role=thing.role, id=thing.id) + "\n")
        raise
