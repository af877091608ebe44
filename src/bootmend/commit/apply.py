"""commit: patches onto a device, all of them or none.

    journal durable -> disk still reads `before` -> APPLYING -> write -> flush -> read back -> COMMITTED

docs/journal.md derives this order and says what a crash at each point leaves.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bootmend.commit.files import DURABLE, Files, sole_user
from bootmend.commit.header import Header
from bootmend.commit.history import refuse_interrupted
from bootmend.commit.journal import Journal, State
from bootmend.commit.records import split
from bootmend.commit.target import put_back_after, put_forward, require_before
from bootmend.commit.writer import refused_by, write_journal
from bootmend.disk.device import BlockDevice, Patch
from bootmend.errors import BootmendError, DeviceError, Misuse
from bootmend.texts import say


@dataclass(frozen=True, slots=True)
class CommitReport:
    """What was done to the disk."""

    journal: Path | None
    """None where nothing had to change: then there is no journal."""
    patches: int
    bytes: int
    verified: bool
    """Every byte was read back and found right."""


def commit(
    device: BlockDevice,
    patches: Iterable[Patch],
    folder: Path,
    *,
    identity: dict[str, str],
    meta: dict[str, Any],
    files: Files = DURABLE,
    record: bool = False,
) -> CommitReport:
    """Writes `patches` (ascending, disjoint; taken one by one) to `device`, journalled in `folder`.

    Patches that change nothing, or whose `after` already stands there, are left out. Refused, with
    nothing written: the disk does not read `before`, the journal cannot be written, an earlier
    commit was interrupted, someone else is at it. On any other failure, Ctrl-C included, the disk
    is put back first; DeviceError says so, or says what to do where even that failed. With nothing to
    change there is no journal, unless `record` asks for one, for the sake of its `meta`.
    """
    if not device.writable:
        raise DeviceError(say("commit.read_only", disk=device.name))
    refuse_interrupted(folder, device.size, identity)
    needed = _needed(device, patches)
    first = next(needed, None)
    if first is None and not record:
        return CommitReport(None, 0, 0, True)
    try:
        files.make_folder(folder)
    except OSError as error:
        raise refused_by(folder, error) from error
    with sole_user(folder):
        refuse_interrupted(folder, device.size, identity)
        header = Header.of(device, identity, meta)
        journal = write_journal(folder, header, itertools.chain([first] if first is not None else [], needed), files)
        _check_once_more(device, journal, files)
        _apply(device, journal, files)
    return CommitReport(journal.path, journal.patches, journal.total, True)


def _needed(device: BlockDevice, patches: Iterable[Patch]) -> Iterator[Patch]:
    """The patches that change something, in records' sizes. Refused where the disk reads neither old nor new."""
    end = 0
    for whole in patches:
        if len(whole.before) != len(whole.after):
            raise Misuse(say("commit.lengths_differ", offset=f"{whole.offset:#x}"))
        if whole.offset < end:
            raise Misuse(say("commit.not_ascending", offset=f"{whole.offset:#x}"))
        end = whole.offset + len(whole.after)
        for patch in split(whole):
            if patch.before == patch.after:
                require_before(device, [patch])
            elif device.read(patch.offset, len(patch.after)) != patch.after:
                require_before(device, [patch])
                yield patch


def _check_once_more(device: BlockDevice, journal: Journal, files: Files) -> None:
    """The journal reads back and the disk is still the one it was made from; else it is thrown away."""
    try:
        require_before(device, journal.checked())
    except BaseException:
        with suppress(OSError):
            files.remove(journal.path)
        raise


def _apply(device: BlockDevice, journal: Journal, files: Files) -> None:
    try:
        journal.mark(State.APPLYING, files)
        put_forward(device, journal)
        journal.mark(State.COMMITTED, files)
    except BaseException as error:
        put_back_after(device, journal, files, error)
        if isinstance(error, (OSError, BootmendError)):
            raise DeviceError(say("commit.put_back", disk=device.name, why=error)) from error
        raise
