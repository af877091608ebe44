"""A journal that is whole: what it says, its patches, and how far the work got.

A file is called `.journal` only once it was complete and durable (writer.py), so whatever does
not agree in one is damage and is refused, never taken for a crash. Its state page, the last
4096 bytes, is the only part written later: one slot after the other, each once. A crash can
tear only the slot being written, and a torn slot counts as not written.

    PLANNED -> APPLYING -> COMMITTED -> UNDOING -> UNDONE
                   └──────────────────────────────> UNDONE     (rolled back)
"""

from __future__ import annotations

import hashlib
import time
from array import array
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import IO

from bootmend.binary import View
from bootmend.commit.files import DURABLE, Files
from bootmend.commit.header import Header
from bootmend.commit.records import (
    HEADER_SIZE,
    PAGE,
    PATCH_SIZE,
    SLOT_SIZE,
    Slot,
    header_length,
    pack_slot,
    patch_head,
    unpack_header,
    unpack_patch,
    unpack_slot,
)
from bootmend.disk.device import Patch
from bootmend.errors import DeviceError, InputError, Missing, ParseError
from bootmend.texts import say


class State(StrEnum):
    """How far it got; the value is the slot's tag."""

    PLANNED = "PLAN"
    """All bytes are in the journal, none is on the disk."""
    APPLYING = "APLY"
    COMMITTED = "COMT"
    UNDOING = "UNDG"
    UNDONE = "UNDN"


_ORDER = list(State)


class Journal:
    """Opens cheaply: header and state page only; `checked()` looks at every byte.

    Raises Missing, InputError (cannot be read) and ParseError (damaged).
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._starts: array[int] | None = None
        with _opened(path) as file:
            self._page_at = file.seek(0, 2) - PAGE
            page = self._page(file)
            end_mark = unpack_slot(page.sub(0, SLOT_SIZE), 0, None)
            if end_mark is None or end_mark.tag != State.PLANNED.encode():
                raise page.fail(0, "the end mark of a journal")
            self._end_mark = end_mark
            if end_mark.body < HEADER_SIZE or end_mark.body + -end_mark.body % PAGE != self._page_at:
                raise page.fail(0, "an end mark right after the patches", f"{end_mark.body} bytes of them")
            self.trail = self._read_trail(page)
            file.seek(0)
            start = file.read(HEADER_SIZE)
            self._patches_at = HEADER_SIZE + header_length(View(start, str(path)))
            if self._patches_at > end_mark.body:
                raise ParseError(str(path), 16, "a header inside the journal", f"{self._patches_at} bytes")
            record = View(start + file.read(self._patches_at - HEADER_SIZE), str(path))
            self.header = Header.from_json(unpack_header(record), record)

    @property
    def patches(self) -> int:
        return self._end_mark.patches

    @property
    def total(self) -> int:
        """Bytes that its patches change."""
        return self._end_mark.total

    @property
    def state(self) -> State:
        return State(self.trail[-1].tag.decode())

    @property
    def was_committed(self) -> bool:
        return any(slot.tag == State.COMMITTED.encode() for slot in self.trail)

    def checked(self) -> Iterator[Patch]:
        """The patches, ascending; every record is checked as it comes and the hash of all at the end.

        Whoever must not act on a damaged journal exhausts this once first.
        """
        name = str(self.path)
        total = end = 0
        starts = array("Q")
        with _opened(self.path) as file:
            whole = hashlib.sha256(file.read(self._patches_at))
            at = self._patches_at
            while at < self._end_mark.body:
                record = self._record(file, at)
                whole.update(record.data)
                patch = unpack_patch(record)
                if patch.offset < end or patch.offset + len(patch.after) > self.header.size:
                    raise record.fail(8, f"an offset from {end:#x} on, inside the disk", f"{patch.offset:#x}")
                end = patch.offset + len(patch.after)
                total += len(patch.after)
                starts.append(at)
                at += len(record)
                yield patch
            whole.update(file.read(self._page_at - at))
        if whole.digest() != self._end_mark.body_hash:
            raise ParseError(name, 0, "a journal whose SHA-256 agrees with its end mark")
        if (len(starts), total) != (self.patches, self.total):
            raise ParseError(name, self._page_at, "the totals of the end mark", f"{len(starts)} patches, {total} bytes")
        self._starts = starts

    def backwards(self) -> Iterator[Patch]:
        """The patches, descending; the journal is checked first if it was not yet."""
        if self._starts is None:
            for _ in self.checked():
                pass
        assert self._starts is not None
        with _opened(self.path) as file:
            for at in reversed(self._starts):
                file.seek(at)
                yield unpack_patch(self._record(file, at))

    def check_hash(self) -> None:
        """ParseError where the journal's bytes are not those that were written; cheaper than `checked`."""
        whole = hashlib.sha256()
        with _opened(self.path) as file:
            left = self._page_at
            while left:
                piece = file.read(min(left, 1 << 20))
                if not piece:
                    break
                whole.update(piece)
                left -= len(piece)
        if whole.digest() != self._end_mark.body_hash:
            raise ParseError(str(self.path), 0, "a journal whose SHA-256 agrees with its end mark")

    def mark(self, state: State, files: Files = DURABLE) -> None:
        """Appends the state; durable when it returns. DeviceError where the journal cannot be written."""
        with _opened(self.path) as file:
            page = self._page(file)
        number = _first_free(page)
        if number * SLOT_SIZE >= PAGE:
            raise DeviceError(say("commit.page_full", journal=self.path))
        slot = Slot(state.encode(), number, time.time_ns())
        try:
            handle = files.open(self.path)
            try:
                files.write(handle, self._page_at + number * SLOT_SIZE, pack_slot(slot, self._end_mark.body_hash))
                files.sync(handle)
            finally:
                files.close(handle)
        except OSError as error:
            raise DeviceError(say("commit.not_marked", journal=self.path, why=error.strerror)) from error
        self.trail.append(slot)

    def _page(self, file: IO[bytes]) -> View:
        if self._page_at < 0 or self._page_at % PAGE:
            raise ParseError(str(self.path), max(self._page_at, 0), f"the state page of {PAGE} bytes at the end")
        file.seek(self._page_at)
        return View(file.read(PAGE), str(self.path), self._page_at)

    def _read_trail(self, page: View) -> list[Slot]:
        trail = [self._end_mark]
        for number in range(1, _first_free(page)):
            view = page.sub(number * SLOT_SIZE, SLOT_SIZE)
            slot = unpack_slot(view, number, self._end_mark.body_hash)
            if slot is None:  # torn
                continue
            if slot.tag.decode("latin-1") not in _ORDER:
                raise view.fail(0, "a known state", repr(slot.tag))
            # The same state twice: its first sync failed, so it was marked again.
            if _ORDER.index(State(slot.tag.decode())) < _ORDER.index(State(trail[-1].tag.decode())):
                raise view.fail(0, "a state that can follow", f"{slot.tag!r} after {trail[-1].tag!r}")
            trail.append(slot)
        return trail

    def _record(self, file: IO[bytes], at: int) -> View:
        """The patch record at `at`, where the file stands."""
        start = file.read(min(PATCH_SIZE, self._end_mark.body - at))
        head = patch_head(View(start, str(self.path), at))
        if at + PATCH_SIZE + head.stored > self._end_mark.body:
            raise ParseError(str(self.path), at + 20, "a patch that ends before the end mark", f"{head.stored} bytes")
        return View(start + file.read(head.stored), str(self.path), at)


def patches_of(journal: Path) -> Iterator[Patch]:
    """The patches of a journal, ascending, each checked; ParseError where it is damaged."""
    yield from Journal(journal).checked()


def _first_free(page: View) -> int:
    """The number of the slot after the last one that was ever touched."""
    return -(-len(bytes(page.data).rstrip(b"\0")) // SLOT_SIZE)


def _opened(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except FileNotFoundError as error:
        raise Missing(say("commit.no_such_journal", journal=path)) from error
    except OSError as error:
        raise InputError(say("commit.unreadable", journal=path, why=error.strerror)) from error
