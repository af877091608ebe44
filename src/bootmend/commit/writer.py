"""Writes a new journal: nothing has its final name before all of it is durable.

    NNNNNN-date-time.journal.part   header, patches, padding, state page   fsync
    rename to ...journal                                                    fsync of the folder

The state page is written full of zeros, so that no later mark needs room on a file system that
may be full by then. What a crash leaves here is a `.part`; no byte of the disk has changed.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from bootmend.commit.files import Files
from bootmend.commit.header import Header
from bootmend.commit.journal import Journal, State
from bootmend.commit.records import MOST_IN_A_HEADER, PAGE, SLOT_SIZE, Slot, pack_header, pack_patch, pack_slot
from bootmend.disk.device import Patch
from bootmend.errors import Misuse, Refused
from bootmend.texts import say

SUFFIX = ".journal"
PART = ".journal.part"
_NUMBER = re.compile(r"(\d{6,})-.*\.journal(\.part)?")
_BUFFER = 1 << 20


def number_of(path: Path) -> int:
    """The place of a journal in the history of its folder; 0 for a file that someone renamed."""
    match = _NUMBER.fullmatch(path.name)
    return int(match[1]) if match else 0


def write_journal(folder: Path, header: Header, patches: Iterable[Patch], files: Files) -> Journal:
    """The durable journal of `patches` (ascending, none longer than a record takes).

    Refused where the folder takes no file or has no room: the journal so far is removed.
    """
    number = 1 + max((number_of(path) for path in folder.iterdir()), default=0)
    part = folder / f"{number:06}-{header.when:%Y%m%d-%H%M%S}{PART}"
    path = part.with_suffix("")
    text = header.to_json()
    if len(text) > MOST_IN_A_HEADER:
        raise Misuse(say("commit.meta_too_long", size=len(text), most=MOST_IN_A_HEADER))
    try:
        _write_part(part, text, patches, files)
        files.rename(part, path)
        files.sync_folder(folder)
    except BaseException as error:
        for left in (part, path):
            with suppress(OSError):
                files.remove(left)
        if isinstance(error, OSError):
            raise refused_by(folder, error) from error
        raise
    return Journal(path)


def refused_by(folder: Path, error: OSError) -> Refused:
    return Refused(say("commit.no_journal", folder=folder, why=error.strerror), say("commit.no_journal_next"))


def _write_part(part: Path, text: bytes, patches: Iterable[Patch], files: Files) -> None:
    whole = hashlib.sha256()
    body = count = total = 0

    def records() -> Iterator[bytes]:
        nonlocal count, total
        yield pack_header(text)
        for patch in patches:
            count += 1
            total += len(patch.after)
            yield pack_patch(patch)

    handle = files.create(part)
    try:
        for piece in _joined(records()):
            files.write(handle, body, piece)
            whole.update(piece)
            body += len(piece)
        padding = bytes(-body % PAGE)
        whole.update(padding)
        slot = Slot(State.PLANNED.encode(), 0, time.time_ns(), count, total, body, whole.digest())
        page = pack_slot(slot, slot.body_hash) + bytes(PAGE - SLOT_SIZE)
        files.write(handle, body, padding + page)
        files.sync(handle)
    finally:
        files.close(handle)


def _joined(records: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of about 1 MiB: a call a sector would be most of the time."""
    pieces: list[bytes] = []
    length = 0
    for record in records:
        pieces.append(record)
        length += len(record)
        if length >= _BUFFER:
            yield b"".join(pieces)
            pieces, length = [], 0
    yield b"".join(pieces)
