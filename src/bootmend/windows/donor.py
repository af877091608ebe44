"""Where a sound copy may come from beside the disk itself, and what else the user gave.

A donor is another machine's disk, or a folder of files. Its files are only ever *candidates*:
whoever takes one must first find that this machine's own catalogs, or the file's own valid
signature, vouch for it.
"""

from __future__ import annotations

import ntpath
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bootmend.errors import InputError, Refused
from bootmend.signing.policy import KernelPolicy
from bootmend.signing.roots import Trust
from bootmend.windows.components import MAX_FILE, ComponentStore, parse_component
from bootmend.windows.image import Image
from bootmend.windows.signatures import CATROOT, CatalogSet

OEM_CATALOG = re.compile(r"oem\d+\.cat$", re.IGNORECASE)
"""The catalog of a third-party driver."""
_LOADED_FROM = ("System32\\drivers", "System32")
MAX_FOLDER_FILES = 200_000
"""A donor folder with more files than this is somebody's whole disk: the search ends there."""


@dataclass(frozen=True, slots=True)
class DonorFile:
    """A candidate from a donor.

    `version` is its component's, or the build of the Windows that uses it; empty if unknown. Never its
    version resource, which says what a file was made as, not what it belongs to.
    """

    where: str
    data: bytes
    version: str


class Donor(Protocol):
    name: str

    def files(self, name: str) -> Iterator[DonorFile]:
        """Every file called `name`, best first."""

    def drivers(self) -> Iterator[DonorFile]:
        """Every driver the donor has where it is loaded from, or anywhere in a folder."""

    def catalogs(self) -> Iterator[DonorFile]:
        """Every catalog the donor has in its store."""


class FolderDonor:
    """A folder of files, searched below as well; what stands in a folder named as a component is of its version."""

    def __init__(self, folder: Path) -> None:
        self.name = str(folder)
        self._folder = folder

    def _walk(self) -> Iterator[Path]:
        seen = 0
        for root, _, names in os.walk(self._folder):
            for name in names:
                seen += 1
                if seen > MAX_FOLDER_FILES:
                    return
                yield Path(root) / name

    def files(self, name: str) -> Iterator[DonorFile]:
        for path in self._walk():
            if path.name.lower() == name.lower():
                yield from self._file(path)

    def drivers(self) -> Iterator[DonorFile]:
        for path in self._walk():
            if path.suffix.lower() == ".sys":
                yield from self._file(path)

    def catalogs(self) -> Iterator[DonorFile]:
        for path in self._walk():
            if path.suffix.lower() == ".cat":
                yield from self._file(path)

    def _file(self, path: Path) -> Iterator[DonorFile]:
        """Nothing where it cannot be read: another copy may do."""
        try:
            if path.is_file() and path.stat().st_size <= MAX_FILE:
                yield DonorFile(str(path), path.read_bytes(), parse_component(path.parent.name)[1])
        except OSError:
            return


class DiskDonor:
    """The disk of another Windows machine; what of it cannot be read is passed over."""

    def __init__(self, image: Image, volume: int, windows_path: str, version: str) -> None:
        self.name = image.device.name
        self._image = image
        self._number = volume
        self._windows = windows_path
        self._version = version
        self._components = ComponentStore(image.volume(volume), volume, windows_path)

    def files(self, name: str) -> Iterator[DonorFile]:
        for folder in _LOADED_FROM:
            yield from self._loaded(f"{self._windows}\\{folder}\\{name}")
        for copy in self._components.copies(name):
            with suppress(InputError, Refused):
                yield DonorFile(f"{self.name}:{copy.where}", copy.read(), copy.version or self._version)

    def drivers(self) -> Iterator[DonorFile]:
        for folder in _LOADED_FROM:
            try:
                entries = self._image.volume(self._number).listdir(f"{self._windows}\\{folder}")
            except InputError:
                continue
            for entry in entries:
                if not entry.directory and entry.name.lower().endswith(".sys"):
                    yield from self._loaded(f"{self._windows}\\{folder}\\{entry.name}")

    def _loaded(self, path: str) -> Iterator[DonorFile]:
        """The file that the donor's own Windows uses; nothing where it cannot be read."""
        volume, name = self._image.volume(self._number), ntpath.basename(path)
        try:
            entry = volume.stat(path)
            data = volume.read(path, MAX_FILE)
        except (InputError, Refused):
            return
        twins = [copy for copy in self._components.copies(name) if copy.file_id == entry.file_id and copy.version]
        version = twins[0].version if twins else self._version
        yield DonorFile(f"{self.name}:{self._number}:{path}", data, version)

    def catalogs(self) -> Iterator[DonorFile]:
        volume = self._image.volume(self._number)
        folder = f"{self._windows}\\{CATROOT}"
        try:
            entries = volume.listdir(folder)
        except InputError:
            return
        for entry in entries:
            if entry.directory or not entry.name.lower().endswith(".cat"):
                continue
            path = f"{folder}\\{entry.name}"
            with suppress(InputError, Refused):
                yield DonorFile(f"{self.name}:{self._number}:{path}", volume.read(path, MAX_FILE), self._version)


@dataclass(frozen=True, slots=True)
class Given:
    """What the user added to what stands on the disk: roots to trust, and donors of files."""

    trust: Trust
    donors: tuple[Donor, ...] = ()


def oem_catalogs(given: Given, policy: KernelPolicy) -> tuple[CatalogSet, dict[str, bytes]]:
    """The donors' catalogs of third-party drivers (oemN.cat) by address, indexed, and their bytes.

    In-box catalogs of a donor are left out: this machine keeps its own twins of those.
    """
    found = {
        file.where: file.data
        for donor in given.donors
        for file in donor.catalogs()
        if OEM_CATALOG.match(file.where.replace("/", "\\").rsplit("\\", 1)[-1])
    }
    return CatalogSet(found, found.__getitem__, given.trust, policy), found
