"""What every command that changes a disk at the user's word does: lock, edit on an overlay, commit, tell."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bootmend.cli.session import identity_of, settle
from bootmend.commit import CommitReport, commit, exclusive, journal_folder
from bootmend.disk.container import open_disk
from bootmend.edit import Edit


@dataclass(slots=True)
class Change:
    """An edit under way; after the block `report` says what was committed (None: nothing, or a dry run)."""

    edit: Edit
    folder: Path | None
    """Where the journals of this disk lie; None only in a dry run."""
    meta: dict[str, Any] = field(default_factory=dict)
    """Goes into the journal: the command, and what `disable` needs to put back."""
    record: bool = False
    """Keep `meta` in a journal even where no byte changes: what stood there is worth knowing later."""
    changed_bytes: int = 0
    report: CommitReport | None = None


@contextmanager
def changing(
    disk: str, command: str, *, journal_dir: Path | None, accept: list[str], dry_run: bool = False
) -> Iterator[Change]:
    """`with changing(...) as change:` edit `change.edit`; leaving the block commits, raising in it writes nothing."""
    settle(disk, journal_dir)
    with exclusive(disk), open_disk(disk, writable=not dry_run) as device:
        folder = None if dry_run else journal_folder(disk, journal_dir)
        change = Change(Edit(device, frozenset(accept)), folder, {"command": command})
        yield change
        change.changed_bytes = change.edit.settle()
        if folder is not None and (change.changed_bytes or change.record):
            patches, identity = change.edit.overlay.patches(), identity_of(device)
            change.report = commit(device, patches, folder, identity=identity, meta=change.meta, record=change.record)
