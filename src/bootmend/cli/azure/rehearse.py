"""`bootmend azure repair --dry-run`: the plan for a virtual machine, proved on an overlay; nothing is changed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import typer

from bootmend.cli.azure.reading import opened


def rehearse(
    vm: str,
    cloud_of: tuple[str, str],
    donor: Sequence[str],
    trust: Sequence[Path],
    only: Sequence[str],
    accept: Sequence[str],
    *,
    yes: bool,
    json: bool,
) -> NoReturn:
    """Its disk is read by ranges, as `azure diagnose` reads it. Exit code 0: no cause would be left; 1: one would."""
    from bootmend.cli.output import console, put_document
    from bootmend.clouds import document as told
    from bootmend.clouds.mending import refuse_new_trouble
    from bootmend.repair import propose
    from bootmend.reports import document
    from bootmend.reports.terminal import show_diagnosis, show_proposal

    started, found = time.monotonic(), None
    with opened(vm, cloud_of, trust, donor, yes=yes, json=json) as at:
        proposal = propose(at.device, at.given, only=only, accept=frozenset(accept), progress=at.tell)
        try:
            refuse_new_trouble(proposal)
            left = proposal.causes_left
            if json:
                found = document.repair(at.device, proposal, None, time.monotonic() - started)
            else:
                show_diagnosis(console(), proposal.diagnosis, f"bootmend azure repair {vm}")
                show_proposal(console(), proposal)
        finally:
            proposal.diagnosis.image.close()
    if found is not None:
        put_document({**found, "machine": told.machine(at.machine), "sight": told.sight(at.sight)})
    raise typer.Exit(1 if left else 0)
