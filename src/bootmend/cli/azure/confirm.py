"""`bootmend azure confirm`: the repaired disk stays; the old one and the snapshot go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from bootmend.cli.azure.left import helper_cleared, naming_what_is_left
from bootmend.cli.azure.session import Group, Subscription, Vms, ask, azure_cloud, show_run, telling
from bootmend.cli.azure.several import undo_or_confirm
from bootmend.cli.note import note
from bootmend.cli.options import Accept, AsJson, Yes
from bootmend.errors import Missing, Refused
from bootmend.texts import say

if TYPE_CHECKING:
    from bootmend.clouds.azure.cloud import AzureCloud
    from bootmend.clouds.cloud import Machine
    from bootmend.clouds.run import Run, Store

UNSEEN = "not-seen-well"
"""The word for `--accept` that says: remove the old disk though nobody saw the machine run."""


def confirm(
    vm: Vms,
    resource_group: Group = "",
    subscription: Subscription = "",
    accept: Accept = [],
    yes: Yes = False,
    json: AsJson = False,
) -> None:
    """Remove the old disk of VM and the snapshot that were kept for `azure undo`. There is no way back then.

    Refused where its agent does not say that it runs well just now (--accept not-seen-well overrides).
    """
    from bootmend.cli.output import console, put_document
    from bootmend.clouds import document
    from bootmend.clouds.run import Store
    from bootmend.clouds.way_back import confirm as stay

    if len(vm) > 1:

        def ready(cloud: AzureCloud, store: Store, name: str) -> tuple[Machine, Run]:
            machine = cloud.find(name)
            return machine, _seen_well(cloud, store, machine, accept)

        undo_or_confirm("confirm", vm, (resource_group, subscription), "many.ask_confirm", ready, stay, yes, json)
        return
    cloud, store = azure_cloud(resource_group, subscription, vm[0]), Store(tell=note)
    machine = cloud.find(vm[0])
    with store.alone(machine.id):
        run = _seen_well(cloud, store, machine, accept)
        ask(say("clouds.ask_confirm", name=machine.name, id=run.old_disk), yes)
        with naming_what_is_left(cloud, run, machine, "clouds.confirm_broken_off"), telling(cloud) as tell:
            stay(cloud, store, run, tell)
            helper_cleared(cloud, store, run, tell)
    if json:
        put_document({**document.head("confirm"), "run": document.run(run), "kept": []})
    else:
        show_run(console(), run, [])
    raise typer.Exit(0)


def _seen_well(cloud: AzureCloud, store: Store, machine: Machine, accept: Sequence[str]) -> Run:
    """Its run that waits to be confirmed."""
    from bootmend.clouds.run import Stage
    from bootmend.clouds.standing import standing
    from bootmend.clouds.watch import Verdict, judge

    run = standing(cloud, store, machine)
    if run is None or run.stage not in (Stage.DONE, Stage.GOING_BACK):
        raise Missing(say("clouds.nothing_to_confirm", name=machine.name))
    seen = judge(cloud.look(machine.id))
    if seen.verdict is not Verdict.HEALTHY and UNSEEN not in accept:
        raise Refused(
            say("clouds.not_seen_well", name=machine.name, reason=seen.reason),
            say("clouds.not_seen_well_next", word=UNSEEN),
        )
    return run
