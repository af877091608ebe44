"""What `enable` and `disable` share: the history they go by, and how they tell what they did."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootmend import __version__
from bootmend.cli.editing import Change
from bootmend.cli.note import note
from bootmend.cli.output import console, put_document
from bootmend.cli.session import identity_of
from bootmend.commit import history, journal_folder
from bootmend.disk.url import without_secrets
from bootmend.errors import Refused
from bootmend.switches import Changed, Layers
from bootmend.texts import say

if TYPE_CHECKING:
    from bootmend.disk.device import BlockDevice


def layers_of(disk: str, journal_dir: Path | None, device: BlockDevice) -> Layers:
    """The switches that are on, by this disk's journals; a damaged one is told on stderr."""
    try:
        folder = journal_folder(disk, journal_dir)
    except Refused:  # a dry run on a block device: it has no journals that could be known
        return Layers()
    entries = history(folder)
    remark(say("switches.damaged", journal=entry.journal, problem=entry.problem) for entry in entries if entry.problem)
    return Layers.of(entries, identity_of(device))


def remark(sentences: Iterable[str]) -> None:
    """One sentence a line on stderr."""
    for sentence in sentences:
        note(sentence)


def show_changes(changes: Iterable[Changed]) -> None:
    nothing = say("switches.nothing")
    for one in changes:
        before, after = (one.place.show(stored) or nothing for stored in (one.before, one.after))
        console().print(say("switches.change", where=one.place.where, before=before, after=after), markup=False)


def show_commit(change: Change) -> None:
    """What became of it: written, not written, or would have been."""
    from bootmend.reports.terminal import size

    if change.folder is None:
        text = say("switches.would", changed=size(change.changed_bytes))
    elif change.report is None or not change.report.bytes:
        text = say("switches.unchanged")
    else:
        text = say("switches.written", changed=size(change.report.bytes), journal=change.report.journal)
    console().print(text, markup=False)


def put_change(command: str, disk: str, change: Change, switches: list[dict[str, Any]]) -> None:
    """The document of `enable` and `disable`, schema bootmend.switches/1."""
    from bootmend.reports import document

    put_document(
        {
            "schema": "bootmend.switches/1",
            "bootmend": __version__,
            "command": command,
            "disk": without_secrets(disk),
            "switches": switches,
            "dry_run": change.folder is None,
            "changed_bytes": change.changed_bytes,
            "commit": document.commit(change.report),
        }
    )


def changes_document(changes: Iterable[Changed]) -> list[dict[str, Any]]:
    return [
        {"where": one.place.where, "before": one.place.show(one.before), "after": one.place.show(one.after)}
        for one in changes
    ]
