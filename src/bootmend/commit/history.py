"""What a journal folder tells, without touching any disk."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bootmend.commit.journal import Journal, State
from bootmend.commit.writer import PART, SUFFIX, number_of
from bootmend.errors import InputError, ParseError, Refused
from bootmend.texts import say


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One commit to this disk."""

    journal: Path
    when: datetime
    state: str
    """committed, undone, rolled-back, interrupted, undo-interrupted, planned, damaged."""
    patches: int
    bytes: int
    meta: dict[str, Any] = field(default_factory=dict)
    identity: dict[str, str] = field(default_factory=dict)
    problem: str = ""
    """What is wrong with a damaged journal: file, offset, what was expected."""


def journals(folder: Path) -> list[Path]:
    """Oldest first, by the number in the name: clocks go wrong, numbers do not."""
    return _named(folder, SUFFIX)


def parts(folder: Path) -> list[Path]:
    """Journals that were never finished; the disk was not touched on their account."""
    return _named(folder, PART)


def pending(folder: Path) -> list[Path]:
    """Interrupted commits and undos, oldest first: the disk may be half written until `recover`.

    A journal too damaged to tell counts as one. No such folder: nothing pending.
    """
    found = []
    for path in journals(folder):
        try:
            state = Journal(path).state
        except ParseError:
            found.append(path)
        else:
            if state in (State.APPLYING, State.UNDOING):
                found.append(path)
    return found


def refuse_interrupted(folder: Path, size: int, identity: dict[str, str]) -> None:
    """Refused where an interrupted commit or undo of this disk still waits for `recover`."""
    for path in pending(folder):
        try:
            header = Journal(path).header
        except ParseError as error:
            raise Refused(say("commit.pending_damaged", journal=path, why=error), say("commit.damaged_next")) from error
        if header.size == size and not header.contradicts(identity):
            raise Refused(say("commit.pending", journal=path), say("commit.pending_next"))


def history(folder: Path) -> list[HistoryEntry]:
    """Oldest first; reads every journal whole. A damaged one is an entry too, and says what is wrong."""
    return [_entry(path) for path in journals(folder)]


def _entry(path: Path) -> HistoryEntry:
    try:
        journal = Journal(path)
    except InputError as error:
        when = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        return HistoryEntry(path, when, "damaged", 0, 0, problem=str(error))
    state, problem = _word(journal), ""
    try:
        journal.check_hash()
    except InputError as error:
        state, problem = "damaged", str(error)
    header = journal.header
    return HistoryEntry(path, header.when, state, journal.patches, journal.total, header.meta, header.identity, problem)


def newest_commit(folder: Path, size: int, identity: dict[str, str]) -> Path | None:
    """The journal of the last commit to this disk that still stands; several disks may share the folder."""
    for path in reversed(journals(folder)):
        try:
            journal = Journal(path)
        except InputError:
            continue
        ours = journal.header.size == size and not journal.header.contradicts(identity)
        if ours and journal.state == State.COMMITTED:
            return path
    return None


def _word(journal: Journal) -> str:
    undone = "undone" if journal.was_committed else "rolled-back"
    return {
        State.PLANNED: "planned",
        State.APPLYING: "interrupted",
        State.COMMITTED: "committed",
        State.UNDOING: "undo-interrupted",
        State.UNDONE: undone,
    }[journal.state]


def _named(folder: Path, suffix: str) -> list[Path]:
    if not folder.is_dir():
        return []
    try:
        found = [path for path in folder.iterdir() if path.name.endswith(suffix) and path.is_file()]
    except OSError as error:
        raise InputError(say("commit.unreadable", journal=folder, why=error.strerror)) from error
    return sorted(found, key=lambda path: (number_of(path), path.name))
