"""`bootmend azure list`: the machines of a subscription, and what their agents say."""

from __future__ import annotations

from typing import Annotated

import typer

from bootmend.cli.azure.session import Group, Subscription, azure_cloud
from bootmend.cli.options import AsJson
from bootmend.texts import say

Unhealthy = Annotated[
    bool, typer.Option("--unhealthy", help="Only those that are switched on and whose agent does not say Ready.")
]

Names = Annotated[bool, typer.Option("--names", help="Resource ids and nothing else, one a line, for `azure repair`.")]


def list_machines(
    resource_group: Group = "",
    subscription: Subscription = "",
    unhealthy: Unhealthy = False,
    names: Names = False,
    json: AsJson = False,
) -> None:
    """List Windows machines: name, resource group and place, power, and what the agent says. An agent may be missing
    from a machine that runs well: only `azure diagnose` tells.
    """
    from bootmend.cli.output import console, put_document
    from bootmend.clouds import document
    from bootmend.clouds.azure.ids import ResourceId
    from bootmend.clouds.cloud import Power
    from bootmend.clouds.watch import READY

    cloud, out = azure_cloud(resource_group, subscription), console()
    rows = []
    for listed in cloud.machines():
        machine, agent = listed.machine, listed.agent
        silent = machine.power is Power.RUNNING and (agent or "").lower() != READY
        if unhealthy and not silent:
            continue
        rows.append({**document.machine(machine), "agent": agent, "unhealthy": silent})
        if names and not json:
            out.print(machine.id, soft_wrap=True)
        elif not json:
            group = ResourceId.parse(machine.id).group
            said = agent or say("clouds.silent")
            out.print(f"{machine.name:<24} {group:<24} {machine.place:<18} {machine.power.value:<8} {said}")
    if json:
        put_document({**document.head("list"), "machines": rows})
    elif not rows and not names:
        out.print(say("azure.no_machines"))
