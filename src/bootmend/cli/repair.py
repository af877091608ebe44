"""`bootmend repair`: diagnose, plan, rehearse, ask, commit."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bootmend.cli.note import note
from bootmend.cli.options import Accept, AsJson, Disk, Donors, JournalDir, Trusted, Yes
from bootmend.errors import Misuse, Refused
from bootmend.texts import say

if TYPE_CHECKING:
    from bootmend.commit import CommitReport
    from bootmend.disk.device import BlockDevice
    from bootmend.repair import Proposal

DryRun = Annotated[bool, typer.Option("--dry-run", help="Plan and rehearse, then stop; write nothing.")]
Only = Annotated[list[str], typer.Option("--only", metavar="RULE", help="Mend only what this rule finds.")]


def repair(
    disk: Disk,
    donor: Donors = [],
    trust: Trusted = [],
    dry_run: DryRun = False,
    yes: Yes = False,
    only: Only = [],
    accept: Accept = [],
    journal_dir: JournalDir = None,
    json: AsJson = False,
) -> None:
    """Mend what keeps the Windows on DISK from booting.

    Every edit is first made on a copy-on-write overlay and every rule run again there; only what
    proves itself is written, with a journal that `undo` takes back byte for byte.
    Exit code 0: no cause is left (with --dry-run: none would be left); 1: a cause is left.
    """
    from bootmend.cli.output import console, put_document
    from bootmend.cli.session import given, progress, settle
    from bootmend.commit import exclusive, journal_folder
    from bootmend.disk.container import open_disk
    from bootmend.repair import propose
    from bootmend.reports import document
    from bootmend.reports.terminal import show_commit, show_diagnosis, show_proposal

    started = time.monotonic()
    _check_rules(only)
    settle(disk, journal_dir)
    out = console()
    # Open for writing from the start: that holds the image's own lock until the commit is done.
    with exclusive(disk), open_disk(disk, writable=not dry_run) as device, given(trust, donor) as what:
        with progress() as tell:
            proposal = propose(device, what, only=only, accept=frozenset(accept), progress=tell)
        if not json:
            show_diagnosis(out, proposal.diagnosis)
            show_proposal(out, proposal)
        _refuse_new_trouble(proposal)
        report = None
        if proposal.worth_doing and not dry_run:
            if not yes:
                _ask()
            report = _commit(device, journal_folder(disk, journal_dir), proposal)
        if json:
            put_document(document.repair(device, proposal, report, time.monotonic() - started))
        elif report is not None:
            show_commit(out, report, device.name)
        left = proposal.causes_left
        proposal.diagnosis.image.close()
    raise typer.Exit(1 if left else 0)


def _check_rules(only: list[str]) -> None:
    from bootmend.rules import all_rules

    for name in only:
        if name not in all_rules():
            raise Misuse(say("cli.no_such_rule", name=name, known=", ".join(all_rules())))


def _refuse_new_trouble(proposal: Proposal) -> None:
    rehearsal = proposal.rehearsal
    if rehearsal is not None and rehearsal.new:
        titles = " ".join(finding.title for finding in rehearsal.new)
        raise Refused(say("cli.new_trouble", titles=titles), say("cli.new_trouble_next"))


def _ask() -> None:
    """Raises Refused where nobody can answer, typer.Exit(1) on a no."""
    if not sys.stdin.isatty():
        raise Refused(say("cli.nobody_to_ask"), say("cli.nobody_to_ask_next"))
    if not typer.confirm(say("cli.ask"), err=True):
        note(say("cli.declined"))
        raise typer.Exit(1)


def _commit(device: BlockDevice, folder: Path, proposal: Proposal) -> CommitReport:
    from bootmend.cli.session import identity_of
    from bootmend.commit import commit

    assert proposal.rehearsal is not None
    meta = {
        "command": "repair",
        "findings": [{"rule": f.rule, "subject": f.subject, "title": f.title} for f in proposal.plan.findings],
        "actions": [{"kind": a.kind, "target": a.target, "source": a.source} for a in proposal.plan.actions[:200]],
    }
    return commit(device, proposal.rehearsal.overlay.patches(), folder, identity=identity_of(device), meta=meta)
