"""`bootmend azure status`: where the runs of a machine stand, and what they made that still costs."""

from __future__ import annotations

from typing import Annotated

import typer

from bootmend.cli.azure.session import Group, Subscription, azure_cloud, show_machine, show_run
from bootmend.cli.note import note
from bootmend.cli.options import AsJson
from bootmend.texts import say

MaybeVm = Annotated[
    str, typer.Argument(metavar="[VM]", help="Without it, all runs on record here; Azure is not asked then.")
]


def status(vm: MaybeVm = "", resource_group: Group = "", subscription: Subscription = "", json: AsJson = False) -> None:
    """Say where the repair of VM stands, and what of it is kept in Azure."""
    from bootmend.cli.output import console, put_document
    from bootmend.clouds import document
    from bootmend.clouds.run import Store
    from bootmend.clouds.standing import standing

    out, store = console(), Store(tell=note)
    if not vm:
        runs = store.runs()
        if json:
            put_document({**document.head("status"), "runs": [document.run(run) for run in runs]})
            return
        for run in runs:
            show_run(out, run, [])
        if not runs:
            out.print(say("clouds.no_runs"))
        return
    cloud = azure_cloud(resource_group, subscription, vm)
    machine = cloud.find(vm)
    sight, things = cloud.look(machine.id), cloud.things(machine)
    newest = standing(cloud, store, machine)
    if json:
        put_document(
            {
                **document.head("status"),
                "machine": document.machine(machine),
                "sight": document.sight(sight),
                "runs": [document.run(newest)] if newest is not None else [],
                "kept": document.things(things),
            }
        )
        return
    show_machine(out, machine, sight)
    if newest is None:
        out.print(say("clouds.no_run", name=machine.name))
    else:
        show_run(out, newest, things)
