"""`bootmend bcdedit`: the words of bcdedit.exe on a disk."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bootmend.cli.note import note
from bootmend.cli.options import Accept, AsJson, Disk, JournalDir
from bootmend.disk.url import without_secrets
from bootmend.errors import Misuse, Refused
from bootmend.texts import say

if TYPE_CHECKING:
    from bootmend.cli.editing import Change
    from bootmend.commands.bcdedit import Answer, BcdSession

Words = Annotated[
    list[str] | None, typer.Argument(metavar="-- WORDS...", help="What you would type after bcdedit; /? lists it.")
]
Store = Annotated[
    str,
    typer.Option("--store", metavar="PATH", help="Another store than the one that boots: 3:\\EFI\\... or a bare path."),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Make the change in memory, say how large it is, write nothing.")
]


def bcdedit(
    disk: Disk,
    words: Words = None,
    store: Store = "",
    journal_dir: JournalDir = None,
    accept: Accept = [],
    dry_run: DryRun = False,
    json: AsJson = False,
) -> None:
    """Look at and change the boot configuration of DISK in bcdedit's own words.

    bootmend bcdedit DISK -- /set {default} safeboot network

    Without words, /enum active. One line is one commit, and `undo` takes it back.
    """
    from bootmend.cli.editing import changing
    from bootmend.commands.bcdedit import BcdSession, parse_line
    from bootmend.disk.container import open_disk
    from bootmend.windows.image import Image

    line = parse_line(words or [])
    if line.store and store:
        raise Misuse(say("bcdedit.twice", word="/store"))
    if line.reads_only:
        _warn_of_unfinished(disk, journal_dir)
        with open_disk(disk) as device:
            image = Image(device, accept=frozenset(accept))
            session = BcdSession(image)
            answer = session.run(line, store)
            _show(answer, session, json=json)
            image.close()
        return
    with changing(disk, "bcdedit", journal_dir=journal_dir, accept=accept, dry_run=dry_run) as change:
        session = BcdSession(change.edit.image, change.edit.desk)
        answer = session.run(line, store)
        change.meta |= {"words": list(words or []), "store": answer.place.where if answer.place else ""}
    _tell(answer, change, without_secrets(disk), json=json, dry_run=dry_run)


def _warn_of_unfinished(disk: str, journal_dir: Path | None) -> None:
    """A line that reads puts nothing right: it never opens the disk for writing."""
    from bootmend.commit import journal_folder, pending

    try:
        unfinished = pending(journal_folder(disk, journal_dir))
    except Refused:
        unfinished = []
    if unfinished:
        note(say("bcdedit.unfinished"))


def _show(answer: Answer, session: BcdSession, *, json: bool) -> None:
    """What a line that only reads has to say."""
    from bootmend.cli.output import put_document
    from bootmend.commands.bcdedit.document import listing

    for told in answer.notes:
        note(f"bootmend: {told}")
    if json:
        put_document(listing(answer, session.partitions))
    else:
        sys.stdout.write("".join(f"{each}\n" for each in answer.lines))


def _tell(answer: Answer, change: Change, disk: str, *, json: bool, dry_run: bool) -> None:
    """What a change did."""
    from bootmend.cli.output import put_document
    from bootmend.commands.bcdedit.document import change as changed_document
    from bootmend.reports import document
    from bootmend.reports.terminal import size

    for told in answer.notes:
        note(f"bootmend: {told}")
    report = change.report
    if json:
        put_document(changed_document(answer, change.changed_bytes, document.commit(report) if report else None))
        return
    sys.stdout.write("".join(f"{each}\n" for each in answer.lines))
    if dry_run:
        note(say("bcdedit.dry_run", changed=size(change.changed_bytes)))
    elif report is None:
        note(say("bcdedit.as_before"))
    else:
        said = say("bcdedit.committed", changed=size(report.bytes), patches=report.patches, disk=disk)
        note(said)
