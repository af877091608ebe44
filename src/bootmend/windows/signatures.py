"""The signature audit of one Windows: its catalog store, its staged catalogs, and a verdict a file.

Two indexes, told apart because they mean different things: the *active* store is what Code
Integrity asks at boot (`CatRoot\\{F750E6C3-...}`; CatRoot2 plays no part there); the *staged*
catalogs (`servicing\\Packages`, and the driver packages of the driver store) are what the active
store was filled from. A hash known only to a staged catalog means: the catalog is lost, the
file is sound.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property

from bootmend.errors import InputError, Missing
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


class CatalogSet:
    """Catalogs by path, indexed by the hashes of their members; one that cannot be read is in `unreadable`."""

    def __init__(self, paths: Iterable[str], load: Callable[[str], bytes], trust: Trust, policy: KernelPolicy) -> None:
        self.paths: list[str] = []
        self.load = load
        self.index = CatalogIndex()
        for path in paths:
            self.paths.append(path)
            try:
                self.index.add(path, load(path))
            except InputError as error:
                self.index.unreadable[path] = str(error)
        self._auditor = Auditor(self.index, load, trust, policy)

    @property
    def unreadable(self) -> dict[str, str]:
        """Path to reason."""
        return self.index.unreadable

    def audit(self, data: bytes, where: str) -> Verdict:
        """What the kernel would say of a file if just these catalogs were in its store."""
        return self._auditor.audit(data, where)


def _catalog_paths(volume: Volume, folders: Iterable[str]) -> Iterator[str]:
    for folder in folders:
        try:
            entries = volume.listdir(folder)
        except Missing:
            continue
        for entry in entries:
            if not entry.directory and entry.name.lower().endswith(".cat"):
                yield f"{folder}\\{entry.name}"


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
        """What Code Integrity asks at boot."""
        paths = _catalog_paths(self._volume, [self.store_path])
        return CatalogSet(paths, self._load, self.trust, self.policy)

    @cached_property
    def staged(self) -> CatalogSet:
        """What the active store can be filled from, on this very disk."""
        repository = f"{self._windows}\\{DRIVER_STORE}"
        try:
            packages = self._volume.listdir(repository)
        except Missing:
            packages = []
        folders = [f"{self._windows}\\{PACKAGES}", *(f"{repository}\\{e.name}" for e in packages if e.directory)]
        return CatalogSet(_catalog_paths(self._volume, folders), self._load, self.trust, self.policy)
