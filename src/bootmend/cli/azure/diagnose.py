"""`bootmend azure diagnose`: what keeps a virtual machine from booting, read by ranges."""

from __future__ import annotations

from datetime import UTC, datetime

import typer

from bootmend.cli.azure.session import (
    Group,
    Subscription,
    Vm,
    ask,
    azure_cloud,
    refuse_barred,
    show_machine,
    telling,
)
from bootmend.cli.options import AsJson, Donors, Trusted, Yes
from bootmend.texts import say


def diagnose(
    vm: Vm,
    resource_group: Group = "",
    subscription: Subscription = "",
    donor: Donors = [],
    trust: Trusted = [],
    yes: Yes = False,
    json: AsJson = False,
) -> None:
    """Name what keeps VM from booting, with evidence. Nothing of it is changed, and a running machine keeps running.

    The disk of a machine that is deallocated is read in place. Of any other a snapshot is made (asked for first),
    read and removed. Exit code 0: nothing found that keeps it from booting; 1: at least one cause found.
    """
    from bootmend.cli.output import console, put_document
    from bootmend.cli.session import given
    from bootmend.clouds import document as told
    from bootmend.clouds.cloud import How
    from bootmend.clouds.looking import looking, needs_snapshot
    from bootmend.clouds.run import Store
    from bootmend.repair import diagnose as run
    from bootmend.reports import document
    from bootmend.reports.terminal import show_diagnosis

    started = datetime.now(UTC)
    cloud, store, out = azure_cloud(resource_group, subscription, vm), Store(), console()
    machine = cloud.find(vm)
    bars = cloud.obstacles(machine)
    refuse_barred(bars, How.READ)
    sight = cloud.look(machine.id)
    if not json:
        show_machine(out, machine, sight, bars)
    if needs_snapshot(machine):
        ask(say("clouds.ask_look", name=machine.name), yes)
    with (
        given(trust, donor) as what,
        telling(cloud) as tell,
        store.alone(machine.id),
        looking(cloud, store, machine, tell) as device,
    ):
        result = run(device, what, progress=tell)
        healthy = result.healthy
        found = document.diagnosis(device, result, started) if json else None
        if not json:
            show_diagnosis(out, result, f"bootmend azure repair {vm}")
        result.image.close()
    if found is not None:
        put_document({**found, "machine": told.machine(machine), "sight": told.sight(sight)})
    raise typer.Exit(0 if healthy else 1)
