"""`bootmend undo`: put back, byte for byte, what a repair changed."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from bootmend.cli.options import AsJson, Disk, JournalDir
from bootmend.errors import Missing
from bootmend.texts import say

Journal = Annotated[Path | None, typer.Option("--journal", metavar="FILE", help="Which repair (default: the newest).")]


def undo(disk: Disk, journal: Journal = None, journal_dir: JournalDir = None, json: AsJson = False) -> None:
    """Put back what the newest repair of DISK changed, byte for byte."""
    from bootmend.cli.output import console, put_document
    from bootmend.cli.session import identity_of, settle
    from bootmend.commit import exclusive, journal_folder, newest_commit
    from bootmend.commit import undo as put_back
    from bootmend.disk.container import open_disk
    from bootmend.reports import document
    from bootmend.reports.terminal import size

    started, clock = datetime.now(UTC), time.monotonic()
    settle(disk, journal_dir)
    with exclusive(disk), open_disk(disk, writable=True) as device:
        identity = identity_of(device)
        if journal is None:
            folder = journal_folder(disk, journal_dir)
            journal = newest_commit(folder, device.size, identity)
            if journal is None:
                raise Missing(say("cli.nothing_to_undo", disk=device.name, folder=folder))
        report = put_back(device, journal, identity=identity)
        described = {"source": device.name, "container": device.container, "size": device.size}
    if json:
        put_document(
            {
                **document.head("undo", started, time.monotonic() - clock),
                "disk": described,
                "windows": [],
                "prediction": None,
                "findings": [],
                "rehearsal": None,
                "commit": document.commit(report),
                "healthy": None,
            }
        )
    else:
        console().print(say("cli.undone", patches=report.patches, changed=size(report.bytes), journal=journal))
