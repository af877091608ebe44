"""`bootmend diagnose`: what keeps this machine from booting."""

from __future__ import annotations

from datetime import UTC, datetime

import typer

from bootmend.cli.options import AsJson, Disk, Donors, JournalDir, Trusted


def diagnose(
    disk: Disk, donor: Donors = [], trust: Trusted = [], journal_dir: JournalDir = None, json: AsJson = False
) -> None:
    """Name what keeps the Windows on DISK from booting, with evidence. Nothing is written.

    Exit code 0: nothing found that keeps it from booting; 1: at least one cause found.
    """
    from bootmend.cli.output import console, put_document
    from bootmend.cli.session import given, progress, settle
    from bootmend.disk.container import open_disk
    from bootmend.repair import diagnose as run

    started = datetime.now(UTC)
    settle(disk, journal_dir)
    with open_disk(disk) as device, given(trust, donor) as what:
        with progress() as tell:
            result = run(device, what, progress=tell)
        if json:
            from bootmend.reports import document

            put_document(document.diagnosis(device, result, started))
        else:
            from bootmend.reports.terminal import show_diagnosis

            show_diagnosis(console(), result)
        healthy = result.healthy
        result.image.close()
    raise typer.Exit(0 if healthy else 1)
