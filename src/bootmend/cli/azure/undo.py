"""`bootmend azure undo`: the machine gets its old disk back; what the repair made goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from bootmend.cli.azure.session import Group, Subscription, Vms, ask, azure_cloud, show_run, telling
from bootmend.cli.azure.several import undo_or_confirm
from bootmend.cli.options import AsJson, Yes
from bootmend.errors import Missing
from bootmend.texts import say

if TYPE_CHECKING:
    from bootmend.clouds.azure.cloud import AzureCloud
    from bootmend.clouds.many import Member
    from bootmend.clouds.run import Run, Store


def undo(
    vm: Vms, resource_group: Group = "", subscription: Subscription = "", yes: Yes = False, json: AsJson = False
) -> None:
    """Put the old disk back into VM, as it was before the repair, and remove what the repair made.

    Also of a repair that was broken off, or begun on another computer: the tags on what was made tell of it.
    """
    from bootmend.cli.output import console, put_document
    from bootmend.clouds import document
    from bootmend.clouds.azure.batch import clear_helper
    from bootmend.clouds.flow import go_back
    from bootmend.clouds.run import Store
    from bootmend.clouds.standing import standing

    if len(vm) > 1:
        undo_or_confirm("undo", vm, (resource_group, subscription), "many.ask_undo", _run_of, go_back, yes, json)
        return
    cloud, store = azure_cloud(resource_group, subscription, vm[0]), Store()
    machine = cloud.find(vm[0])
    with store.alone(machine.id):
        run = standing(cloud, store, machine)
        if run is None:
            raise Missing(say("clouds.nothing_to_undo", name=machine.name))
        ask(say("clouds.ask_undo", name=machine.name, run=run.id), yes)
        with telling(cloud) as tell:
            go_back(cloud, store, run, tell)
            clear_helper(cloud, store, run, tell)
    things = cloud.things(machine)
    if json:
        put_document({**document.head("undo"), "run": document.run(run), "kept": document.things(things)})
    else:
        show_run(console(), run, things)
    raise typer.Exit(0)


def _run_of(cloud: AzureCloud, store: Store, member: Member) -> Run:
    from bootmend.clouds.standing import standing

    assert member.machine is not None
    run = standing(cloud, store, member.machine)
    if run is None:
        raise Missing(say("clouds.nothing_to_undo", name=member.machine.name))
    return run
