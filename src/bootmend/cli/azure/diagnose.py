"""`bootmend azure diagnose`: what keeps a virtual machine from booting, read by ranges."""

from __future__ import annotations

from datetime import UTC, datetime

import typer

from bootmend.cli.azure.reading import opened
from bootmend.cli.azure.session import Group, Subscription, Vm
from bootmend.cli.options import AsJson, Donors, Trusted, Yes


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
    from bootmend.clouds import document as told
    from bootmend.repair import diagnose as run
    from bootmend.reports import document
    from bootmend.reports.terminal import show_diagnosis

    started = datetime.now(UTC)
    with opened(vm, (resource_group, subscription), trust, donor, yes=yes, json=json) as at:
        result = run(at.device, at.given, progress=at.tell)
        healthy = result.healthy
        found = document.diagnosis(at.device, result, started) if json else None
        if not json:
            show_diagnosis(console(), result, f"bootmend azure repair {vm}")
        result.image.close()
    if found is not None:
        put_document({**found, "machine": told.machine(at.machine), "sight": told.sight(at.sight)})
    raise typer.Exit(0 if healthy else 1)
