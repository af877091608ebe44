"""undo and recover: the old bytes back onto the disk, out of a journal.

    journal whole -> disk reads `after` (or already `before`) -> UNDOING -> write backwards
                  -> flush -> read back -> UNDONE

An undo that breaks off is only ever finished, never turned round: there is one way back.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bootmend.commit.apply import CommitReport
from bootmend.commit.files import DURABLE, Files, sole_user
from bootmend.commit.history import journals, parts, pending
from bootmend.commit.journal import Journal, State
from bootmend.commit.target import put_back, put_back_after, require_before_or_after
from bootmend.commit.writer import number_of
from bootmend.disk.device import BlockDevice
from bootmend.errors import DeviceError, ParseError, Refused
from bootmend.texts import say


@dataclass(frozen=True, slots=True)
class Recovered:
    """One journal that a crash had left behind."""

    journal: Path
    what: str
    """rolled-back: the disk reads as before the commit; undo-finished: as the undo was to leave it;
    discarded: the disk had not been touched yet, the journal is gone."""


def undo(
    device: BlockDevice, journal: Path, *, identity: dict[str, str] | None = None, files: Files = DURABLE
) -> CommitReport:
    """Puts back, bit by bit, what stood there before the commit of `journal`.

    Refused, with nothing written: another disk (by size, by `identity` where both know a key), bytes
    that are neither old nor new, a journal already undone, or a newer commit to this disk that still
    stands: repairs build on one another, so they come off in reverse order. ParseError: damaged journal.
    """
    with sole_user(journal.parent):
        opened = Journal(journal)
        _refuse_other_disk(device, opened, identity or {})
        _refuse_state(opened)
        _refuse_newer(opened)
        interrupted = opened.state in (State.APPLYING, State.UNDOING)
        require_before_or_after(device, opened, torn=interrupted)
        _put_back_twice(device, opened, files)
    return CommitReport(journal, opened.patches, opened.total, True)


def recover(
    device: BlockDevice, folder: Path, *, identity: dict[str, str] | None = None, files: Files = DURABLE
) -> list[Recovered]:
    """After a crash: an unfinished commit is put back, an unfinished undo finished, the newest first.

    Nothing to do, or no such folder: an empty list, nothing written. Journals of other disks (a key of
    `identity` differs) are left alone. Refused where the disk reads neither old nor new bytes.
    """
    if not folder.is_dir():
        return []
    done: list[Recovered] = []
    with sole_user(folder):
        for path in reversed(pending(folder)):
            journal = Journal(path)
            if journal.header.contradicts(identity or {}):
                continue
            _refuse_other_disk(device, journal, {})
            require_before_or_after(device, journal, torn=True)
            what = "undo-finished" if journal.was_committed else "rolled-back"
            _put_back_twice(device, journal, files)
            done.append(Recovered(path, what))
        for path in [*parts(folder), *_never_begun(folder)]:
            try:
                files.remove(path)
            except OSError as error:
                raise DeviceError(say("commit.not_removed", journal=path, why=error.strerror)) from error
            done.append(Recovered(path, "discarded"))
    return done


def _put_back_twice(device: BlockDevice, journal: Journal, files: Files) -> None:
    """A failure, Ctrl-C included, gets one more try: half undone is the one state that must not stay."""
    try:
        put_back(device, journal, files)
    except BaseException as error:
        if Journal(journal.path).state == State.COMMITTED:  # not even begun
            raise
        put_back_after(device, journal, files, error)
        if not isinstance(error, Exception):
            raise


def _never_begun(folder: Path) -> list[Path]:
    found = []
    for path in journals(folder):
        with suppress(ParseError):
            if Journal(path).state == State.PLANNED:
                found.append(path)
    return found


def _refuse_other_disk(device: BlockDevice, journal: Journal, identity: dict[str, str]) -> None:
    if not device.writable:
        raise DeviceError(say("commit.read_only", disk=device.name))
    header = journal.header
    why = ""
    if header.size != device.size:
        why = say("commit.other_size", size=header.size, found=device.size)
    key = header.contradicts(identity)
    if key is not None:
        why = say("commit.other_identity", name=key, wanted=header.identity[key], found=identity[key])
    if why:
        raise Refused(say("commit.other_disk", disk=device.name, journal=journal.path, why=why))


def _refuse_state(journal: Journal) -> None:
    if journal.state == State.UNDONE:
        when = datetime.fromtimestamp(journal.trail[-1].when // 10**9, UTC)
        raise Refused(say("commit.already_undone", journal=journal.path, when=f"{when:%Y-%m-%d %H:%M:%S} UTC"))
    if journal.state == State.PLANNED:
        raise Refused(say("commit.never_applied", journal=journal.path))


def _refuse_newer(journal: Journal) -> None:
    for path in reversed(journals(journal.path.parent)):
        if number_of(path) <= number_of(journal.path) or path == journal.path:
            return
        try:
            newer = Journal(path)
        except ParseError as error:
            raise Refused(say("commit.newer_damaged", newer=path, why=error), say("commit.damaged_next")) from error
        same_size = newer.header.size == journal.header.size
        same_disk = same_size and not newer.header.contradicts(journal.header.identity)
        if same_disk and newer.state not in (State.PLANNED, State.UNDONE):
            raise Refused(say("commit.newer", journal=journal.path, newer=path), say("commit.newer_next", newer=path))
