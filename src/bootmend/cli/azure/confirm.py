"""`bootmend azure confirm`: the repaired disk stays; the old one and the snapshot go."""

from __future__ import annotations

import typer

from bootmend.cli.azure.session import Group, Subscription, Vm, ask, azure_cloud, show_run, telling
from bootmend.cli.options import Accept, AsJson, Yes
from bootmend.errors import Missing, Refused
from bootmend.texts import say

UNSEEN = "not-seen-well"
"""The word for `--accept` that says: remove the old disk though nobody saw the machine run."""


def confirm(
    vm: Vm,
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
    from bootmend.clouds.flow import confirm as stay
    from bootmend.clouds.run import Stage, Store
    from bootmend.clouds.standing import standing
    from bootmend.clouds.watch import Verdict, judge

    cloud, store = azure_cloud(resource_group, subscription, vm), Store()
    machine = cloud.find(vm)
    with store.alone(machine.id):
        run = standing(cloud, store, machine)
        if run is None or run.stage is not Stage.DONE:
            raise Missing(say("clouds.nothing_to_confirm", name=machine.name))
        seen = judge(cloud.look(machine.id))
        if seen.verdict is not Verdict.HEALTHY and UNSEEN not in accept:
            raise Refused(
                say("clouds.not_seen_well", name=machine.name, reason=seen.reason),
                say("clouds.not_seen_well_next", word=UNSEEN),
            )
        ask(say("clouds.ask_confirm", name=machine.name, id=run.old_disk), yes)
        with telling(cloud) as tell:
            stay(cloud, store, run, tell)
    if json:
        put_document({**document.head("confirm"), "run": document.run(run), "kept": []})
    else:
        show_run(console(), run, [])
    raise typer.Exit(0)
