"""Names of functions out of PDB files, the symbols that a linker leaves beside an image.

An image says in its debug directory (RSDS) which PDB is its own: a GUID, and an age that counts rewritings. A PDB
says the same of itself; one of another build is not used, and is named. Both kinds of names are taken: those of
procedures (private symbols) and the public ones, which are all that Microsoft gives away of its kernel.

The format is read by `purepdb`. A file is bounded before it is opened; what it holds may lie, so whatever goes wrong
in reading it is an answer about that file.
"""

from __future__ import annotations

import uuid
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import purepdb

from bootmend.dumps.pdb_id import PdbId
from bootmend.dumps.store import Store
from bootmend.dumps.undecorate import undecorated
from bootmend.texts import say

MOST_BYTES = 128 << 20
"""The public symbols of a kernel are 15 MB."""


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
        with purepdb.PDB.open(str(path)) as pdb:
            found = PdbId(uuid.UUID(bytes_le=pdb.info().guid), pdb.dbi.age, wanted.file)
            if found != wanted:
                raise NotUsable(say("symbols.other", pdb=str(path), found=found.words, wanted=wanted.words))
            rows = [(one.rva, undecorated(one.name)) for one in pdb.functions() if one.rva is not None]
    except (purepdb.PdbError, OSError, ValueError) as reason:
        raise NotUsable(say("symbols.broken", pdb=str(path), reason=reason)) from reason
    return Functions.of(str(path), wanted, rows)
