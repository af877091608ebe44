"""Names of functions out of PDB files, the symbols that a linker leaves beside an image.

An image says in its debug directory (RSDS) which PDB is its own: a GUID, and an age that counts rewritings. A PDB
says the same of itself; one of another build is not used, and is named. Both kinds of names are taken: those of
procedures (private symbols) and the public ones, which are all that Microsoft gives away of its kernel.

The format is read by `purepdb`, which answers broken bytes with its own error; whatever goes wrong is an answer about
that file. What is bounded before it is read: the file, the streams that hold names, and that each is read once
(modules that share a stream, or thousands of names at one address, would make a small file a long task).
"""

from __future__ import annotations

import uuid
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import purepdb

from bootmend.dumps.pdb_id import PdbId
from bootmend.dumps.store import Store
from bootmend.dumps.undecorate import undecorated
from bootmend.texts import say

MOST_BYTES = 256 << 20
"""The public symbols of a kernel are 15 MB; most of a larger file are types and lines, which are not read."""
MOST_PUBLIC, MOST_NAMES = 16 << 20, 32 << 20
"""Bytes of the public symbols (a kernel has 3 MB), and of all other streams that hold names together.

At worst some seconds and 400 MB: the shortest symbol takes 16 bytes there and ten times as many here.
"""
_DBI = 3
"""The stream that lists the modules."""


@dataclass(frozen=True, slots=True)
class Functions:
    """The functions of one image by RVA."""

    where: str
    id: PdbId
    starts: tuple[int, ...] = field(repr=False)
    names: tuple[str, ...] = field(repr=False)

    @classmethod
    def of(cls, where: str, pdb: PdbId, rows: Iterable[tuple[int, str]]) -> Functions:
        """Of several names at one address the first one counts."""
        first: dict[int, str] = {}
        for start, name in rows:
            first.setdefault(start, name)
        ordered = sorted(first)
        return cls(where, pdb, tuple(ordered), tuple(first[start] for start in ordered))

    def at(self, rva: int) -> tuple[str, int] | None:
        """The function that starts last before `rva` or at it, and where it starts."""
        number = bisect_right(self.starts, rva) - 1
        return (self.names[number], self.starts[number]) if number >= 0 else None


class Symbols:
    """PDB files of a store, each read when its image is first asked for; `told` says what was found and what not."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._read: dict[PdbId, Functions | None] = {}
        self.told: list[str] = []

    @property
    def used(self) -> list[Functions]:
        return [one for one in self._read.values() if one is not None]

    def of(self, wanted: PdbId, ending: str = "") -> Functions | None:
        """The functions of the image that this PDB belongs to; `ending` is that of the image's name."""
        if wanted not in self._read:
            self._read[wanted] = self._find(wanted, ending)
        return self._read[wanted]

    def _find(self, wanted: PdbId, ending: str) -> Functions | None:
        refused = []
        for path in self._store.files(wanted.file, wanted.key, ending):
            try:
                functions = read_functions(path, wanted)
            except NotUsable as reason:
                refused.append(str(reason))
                continue
            self.told.append(say("symbols.used", pdb=str(path), count=len(functions.starts)))
            return functions
        refused += [say("symbols.packed", pdb=str(path)) for path in self._store.packed(wanted.file, wanted.key)]
        self.told += refused or [say("symbols.none", pdb=wanted.file, id=wanted.words)]
        return None


class NotUsable(Exception):
    """Why a PDB is not used, as a sentence; it never leaves this room."""


def read_functions(path: Path, wanted: PdbId) -> Functions:
    """Raises NotUsable for a PDB of another build, a broken one, and one that is no PDB."""
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise NotUsable(say("symbols.too_large", pdb=str(path), size=size, most=MOST_BYTES))
        with closing(purepdb.MsfFile.open(str(path))) as file:
            _bounded(path, file, [_DBI], MOST_NAMES)
            pdb = purepdb.PDB(file)
            found = PdbId(uuid.UUID(bytes_le=pdb.info().guid), pdb.dbi.age, wanted.file)
            if found != wanted:
                raise NotUsable(say("symbols.other", pdb=str(path), found=found.words, wanted=wanted.words))
            modules = [one for one in pdb.dbi.modules if one.has_symbols]
            if len({one.sym_stream for one in modules}) < len(modules):
                raise NotUsable(say("symbols.shared_stream", pdb=str(path)))
            _bounded(path, file, [pdb.dbi.symrecord_stream_index, pdb.dbi.public_stream_index], MOST_PUBLIC)
            _bounded(path, file, [one.sym_stream for one in modules], MOST_NAMES)
            return Functions.of(str(path), wanted, _rows(pdb))
    except (purepdb.PdbError, OSError, ValueError) as reason:
        raise NotUsable(say("symbols.broken", pdb=str(path), reason=reason)) from reason


def _bounded(path: Path, file: purepdb.MsfFile, streams: Iterable[int], most: int) -> None:
    there = [file.stream_sizes[number] or 0 for number in streams if file.is_valid_stream(number)]
    if sum(there) > most:
        raise NotUsable(say("symbols.too_large", pdb=str(path), size=sum(there), most=most))


def _rows(pdb: purepdb.PDB) -> Iterator[tuple[int, str]]:
    """(RVA, name): procedures and jump stubs first, whose names are whole; then public symbols that stand in code."""
    sections = pdb.original_sections or pdb.sections or pdb.derived_sections
    code = {number for number, one in enumerate(sections, 1) if one.executable}
    public = (one for one in pdb.public_symbols() if one.is_function or one.segment in code)
    places = chain(
        ((one.segment, one.offset, one.name) for one in pdb.module_procs()),
        ((one.segment, one.offset, one.name) for one in pdb.thunks()),
        ((one.segment, one.offset, one.name) for one in public),
    )
    for segment, offset, name in places:
        rva = pdb.to_rva(segment, offset)
        if rva is not None:
            yield rva, undecorated(name)
