"""`bootmend azure undo`: the machine gets its old disk back; what the repair made goes."""

from __future__ import annotations

import typer

from bootmend.cli.azure.session import Group, Subscription, Vm, ask, azure_cloud, show_run, telling
from bootmend.cli.options import AsJson, Yes
from bootmend.errors import Missing
from bootmend.texts import say


def undo(
    vm: Vm, resource_group: Group = "", subscription: Subscription = "", yes: Yes = False, json: AsJson = False
) -> None:
    """Put the old disk back into VM, as it was before the repair, and remove what the repair made.

    Also of a repair that was broken off, or begun on another computer: the tags on what was made tell of it.
    """
    from bootmend.cli.output import console, put_document
    from bootmend.clouds import document
    from bootmend.clouds.flow import go_back
    from bootmend.clouds.run import Store
    from bootmend.clouds.standing import standing

    cloud, store = azure_cloud(resource_group, subscription, vm), Store()
    machine = cloud.find(vm)
    with store.alone(machine.id):
        run = standing(cloud, store, machine)
        if run is None:
            raise Missing(say("clouds.nothing_to_undo", name=machine.name))
        ask(say("clouds.ask_undo", name=machine.name, run=run.id), yes)
        with telling(cloud) as tell:
            go_back(cloud, store, run, tell)
    things = cloud.things(machine)
    if json:
        put_document({**document.head("undo"), "run": document.run(run), "kept": document.things(things)})
    else:
        show_run(console(), run, things)
    raise typer.Exit(0)
