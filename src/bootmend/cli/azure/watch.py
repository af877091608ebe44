"""`bootmend azure watch`: does a machine come up?"""

from __future__ import annotations

from typing import Annotated

import typer

from bootmend.cli.azure.session import Group, Subscription, Vm, azure_cloud, minutes, telling
from bootmend.cli.options import AsJson
from bootmend.texts import say

Wait = Annotated[float, typer.Option("--wait", metavar="MINUTES", help="How long it may take.")]


def watch(
    vm: Vm, resource_group: Group = "", subscription: Subscription = "", wait: Wait = 15.0, json: AsJson = False
) -> None:
    """Watch VM until its agent says that it runs well, its screen or serial log shows that it does not, or time is up.

    Nothing is changed. Exit code 0: it runs well; 1: it does not, not yet, or that cannot be told.
    """
    from bootmend.cli.output import console, put_document
    from bootmend.clouds import document
    from bootmend.clouds.watch import Patience, Verdict
    from bootmend.clouds.watch import watch as run

    minutes(wait)
    cloud = azure_cloud(resource_group, subscription, vm)
    machine, haste = cloud.find(vm), cloud.connection.haste
    with telling(cloud) as tell:
        seen = run(cloud, machine.id, {}, Patience(60 * wait / haste, 10 / haste, 0, 60 / haste), tell)
    if json:
        told = {"verdict": seen.verdict.value, "reason": seen.reason, "looks": seen.looks}
        put_document({**document.head("watch"), "machine": document.machine(machine), **told})
    else:
        verdict = say(f"clouds.verdict_{seen.verdict.value}")
        console().print(f"{machine.name}: " + say("clouds.verdict", verdict=verdict, reason=seen.reason))
    raise typer.Exit(0 if seen.verdict is Verdict.HEALTHY else 1)
