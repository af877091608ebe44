"""`bootmend azure undo`: the machine gets its old disk back; what the repair made goes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import typer

from bootmend.cli.azure.left import as_it_stands, helper_cleared, naming_what_is_left
from bootmend.cli.azure.session import Group, Subscription, Vms, ask, azure_cloud, show_run, telling
from bootmend.cli.azure.several import undo_or_confirm
from bootmend.cli.note import note
from bootmend.cli.options import Accept, AsJson, Yes
from bootmend.errors import Missing
from bootmend.texts import say

if TYPE_CHECKING:
    from bootmend.clouds.azure.cloud import AzureCloud
    from bootmend.clouds.cloud import Machine
    from bootmend.clouds.run import Run, Store

STRANGE = "strange-disk"
"""The word for `--accept` that says: leave the machine the disk that somebody else put there."""


def undo(
    vm: Vms,
    resource_group: Group = "",
    subscription: Subscription = "",
    accept: Accept = [],
    yes: Yes = False,
    json: AsJson = False,
) -> None:
    """Put the old disk back into VM, as it was before the repair, and remove what the repair made.

    Refused where it boots from a third disk by now (--accept strange-disk leaves it that one). Also of a repair that
    was broken off, or begun on another computer: the tags on what was made tell of it.
    """
    from bootmend.cli.output import console, put_document
    from bootmend.clouds import document
    from bootmend.clouds.naming import LOOK
    from bootmend.clouds.run import Store
    from bootmend.clouds.way_back import go_back

    if len(vm) > 1:
        back = partial(go_back, keep_strange=STRANGE in accept)

        def ready(cloud: AzureCloud, store: Store, name: str) -> tuple[Machine, Run]:
            return _named(cloud, store, name)[:2]

        undo_or_confirm("undo", vm, (resource_group, subscription), "many.ask_undo", ready, back, yes, json)
        return
    cloud, store = azure_cloud(resource_group, subscription, vm[0]), Store(tell=note)
    machine, run, there = _named(cloud, store, vm[0])
    with store.alone(machine.id):
        question = "clouds.ask_end" if run.how == LOOK or not there else "clouds.ask_undo"
        ask(say(question, name=machine.name, run=run.id), yes)
        with naming_what_is_left(cloud, run, machine, "clouds.undo_broken_off"), telling(cloud) as tell:
            go_back(cloud, store, run, tell, keep_strange=STRANGE in accept)
            helper_cleared(cloud, store, run, tell)
            things = as_it_stands(cloud, run, machine, anew=False)[1]
    if json:
        put_document({**document.head("undo"), "run": document.run(run), "kept": document.things(things)})
    else:
        show_run(console(), run, things)
    raise typer.Exit(0)


def _named(cloud: AzureCloud, store: Store, name: str) -> tuple[Machine, Run, bool]:
    """A machine, its run, and whether the machine is there: the run of one that is not is known from its record."""
    from bootmend.clouds.cloud import Machine, Power
    from bootmend.clouds.standing import standing, standing_of_gone

    try:
        machine = cloud.find(name)
    except Missing:
        gone = standing_of_gone(cloud, store, name)
        if gone is None:
            raise
        return Machine(gone.machine, gone.name, "", Power.UNKNOWN, gone.old_disk), gone, False
    run = standing(cloud, store, machine)
    if run is None:
        raise Missing(say("clouds.nothing_to_undo", name=machine.name))
    return machine, run, True
