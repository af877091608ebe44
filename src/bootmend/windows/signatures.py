"""The signature audit of one Windows: its catalog store, its staged catalogs, and a verdict a file.

Two indexes, told apart because they mean different things: the *active* store is what Code
Integrity asks at boot (`CatRoot\\{F750E6C3-...}`; CatRoot2 plays no part there); the *staged*
catalogs (`servicing\\Packages`, and the driver packages of the driver store) are what the active
store was filled from. A hash known only to a staged catalog means: the catalog is lost, the
file is sound.
"""

from __future__ import annotations

import ntpath
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cached_property
from itertools import islice

from bootmend.errors import InputError, Missing, ParseError, Refused, Unequipped
from bootmend.signing.audit import Auditor
from bootmend.signing.index import CatalogIndex
from bootmend.signing.policy import KernelPolicy
from bootmend.signing.roots import Trust
from bootmend.signing.verdict import Verdict
from bootmend.volumes.volume import Volume

CATROOT = "System32\\CatRoot\\{F750E6C3-38EE-11D1-85E5-00C04FC295EE}"
PACKAGES = "servicing\\Packages"
DRIVER_STORE = "System32\\DriverStore\\FileRepository"

MAX_CATALOG = 64 << 20
"""Real catalogs reach some megabytes; it bounds memory on a hostile disk."""

MOST_CATALOGS, MOST_BYTES, MOST_LISTED = 100_000, 2 << 30, 2_000_000
"""In one set; years of updates make 10,000 catalogs of 300 MB with half a million hashes. Bounds of time and memory."""


AT_ONCE = 256
"""Catalogs that are fetched together from a far disk, some 16 KiB each."""


class CatalogSet:
    """Catalogs by path, indexed by the hashes of their members; one that cannot be read is in `unreadable`."""

    def __init__(self, paths: Iterable[str], load: Callable[[str], bytes], trust: Trust, policy: KernelPolicy) -> None:
        self.paths: list[str] = []
        self.load = load
        self.index = CatalogIndex()
        total = 0
        for path in paths:
            self.paths.append(path)
            try:
                data = load(path)
                total += len(data)
                self.index.add(path, data)
            except Unequipped:
                raise
            except (InputError, Refused) as error:
                self.index.unreadable[path] = str(error)
            if total > MOST_BYTES or len(self.paths) > MOST_CATALOGS or self.index.listed > MOST_LISTED:
                expected = f"at most {MOST_CATALOGS} catalogs, {MOST_BYTES} bytes and {MOST_LISTED} hashes in them"
                raise ParseError(path, 0, expected, f"{len(self.paths)}, {total} and {self.index.listed}")
        self._auditor = Auditor(self.index, load, trust, policy)

    @property
    def unreadable(self) -> dict[str, str]:
        """Path to reason."""
        return self.index.unreadable

    def audit(self, data: bytes, where: str) -> Verdict:
        """What the kernel would say of a file if just these catalogs were in its store."""
        return self._auditor.audit(data, where)


def _catalogs_in(volume: Volume, folder: str) -> list[str]:
    """Paths of the .cat files in a folder; none where it does not exist."""
    try:
        entries = volume.listdir(folder)
    except Missing:
        return []
    return [f"{folder}\\{e.name}" for e in entries if not e.directory and e.name.lower().endswith(".cat")]


def _announced(volume: Volume, paths: Iterable[str]) -> Iterator[str]:
    """The same paths; the files of the next ones are fetched together where the disk is far."""
    waiting = iter(paths)
    while batch := list(islice(waiting, AT_ONCE)):
        volume.prefetch(batch)
        yield from batch


class Signatures:
    """Verdicts on files of one Windows volume; each set of catalogs is read when first needed."""

    def __init__(self, volume: Volume, windows_path: str, trust: Trust, policy: KernelPolicy) -> None:
        self._volume = volume
        self._windows = windows_path
        self.trust = trust
        self.policy = policy
        self.store_path = f"{windows_path}\\{CATROOT}"

    def _load(self, path: str) -> bytes:
        return self._volume.read(path, MAX_CATALOG)

    @cached_property
    def active(self) -> CatalogSet:
        """What Code Integrity asks at boot. Raises ParseError where the folder is damaged: that is not "empty"."""
        return self._set(_catalogs_in(self._volume, self.store_path))

    @cached_property
    def staged(self) -> CatalogSet:
        """What the active store can be filled from, on this very disk."""
        return self._set(self._staged_paths())

    def audit_staged(self, data: bytes, where: str) -> Verdict:
        """The verdict by the staged catalogs alone; those whose names the store lacks are asked first.

        Most staged catalogs have a twin in the store, which has been read: where a catalog was lost, the few without
        one tell, and the others (half of what a diagnosis reads) are left unread.
        """
        verdict = self._lacking.audit(data, where)
        if not verdict.kernel_would_refuse and verdict.catalog is not None:
            return verdict
        return self.staged.audit(data, where)

    @cached_property
    def _lacking(self) -> CatalogSet:
        """Staged catalogs of names that are not in the store."""
        there = {ntpath.basename(path).lower() for path in self.active.paths}
        return self._set(path for path in self._staged_paths() if ntpath.basename(path).lower() not in there)

    def _set(self, paths: Iterable[str]) -> CatalogSet:
        return CatalogSet(_announced(self._volume, paths), self._load, self.trust, self.policy)

    def _staged_paths(self) -> Iterator[str]:
        """A damaged folder among these only means fewer catalogs to choose from."""
        repository = f"{self._windows}\\{DRIVER_STORE}"
        folders = [f"{self._windows}\\{PACKAGES}"]
        with suppress(InputError):
            folders += [f"{repository}\\{e.name}" for e in self._volume.listdir(repository) if e.directory]
        for folder in folders:
            with suppress(InputError):
                yield from _catalogs_in(self._volume, folder)
