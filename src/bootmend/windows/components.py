"""Every other copy of a system file that Windows itself keeps on the disk.

Sources, in the order in which they are trusted to be what belongs there:

* WinSxS component folders (`amd64_microsoft-windows-<...>_31bf3856ad364e35_10.0.20348.1_none_<hash>`):
  most are hard links to the very file that is damaged and are no help; one with a different
  file id is a copy of its own.
* `WinSxS\\Backup`: copies of boot-critical files, compressed (`DCS\\x01`).
* `System32\\DriverStore\\FileRepository`: driver packages as they were installed.

What WinSxS keeps as differentials (`.r`, `.f` folders: PA30, PA31) needs Windows' own engine and
is reported as such by whoever asks for it. The identity of a copy is its component folder plus
its hash, never its version resource.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from bootmend.errors import InputError, Missing
from bootmend.formats.dcs import expand_dcs, is_dcs
from bootmend.texts import say
from bootmend.volumes.volume import Entry, Volume
from bootmend.windows.image import address

COMPONENT = re.compile(
    r"^(?P<arch>[a-z0-9]+)_(?P<name>.+)_(?P<token>[0-9a-f]{16})_(?P<version>\d+\.\d+\.\d+\.\d+)_(?P<culture>[^_]+)_"
    r"(?P<hash>[0-9a-f]{16})",
    re.IGNORECASE,
)
"""A component's folder name; long names are shortened with `..` in the middle of `name`."""

IMAGES = (".sys", ".exe", ".dll", ".efi")
"""What may be loaded at boot, and so may be asked for."""

MOST_COMPONENTS, MOST_FILES, MOST_ELSEWHERE = 100_000, 1_000_000, 10_000
"""Folders of WinSxS and files in all of them (a machine has 60,000 and 300,000); names in each other source."""

MOST_PACKAGED = 200_000
"""Files in all packages of the driver store; a machine has 10,000."""

MAX_FILE = 256 << 20
"""No driver or system file comes near this size; it bounds memory on a hostile disk."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A file that may take the place of a damaged one."""

    kind: str
    """component, backup, driver_store, donor, donor_folder."""
    where: str
    """Its address, for people."""
    volume: Volume
    path: str
    file_id: int
    component: str
    """Component name without its version; empty where the source has none."""
    version: str
    """Component version, such as 10.0.20348.2227; empty where the source has none."""

    def read(self) -> bytes:
        """The plain content, decompressed where the source keeps it compressed."""
        data = self.volume.read(self.path, MAX_FILE)
        return expand_dcs(data, self.where) if is_dcs(data) else data


def parse_component(folder: str) -> tuple[str, str]:
    """(component without version and hash, version) of a folder or file name, or two empty strings."""
    match = COMPONENT.match(folder)
    if match is None:
        return "", ""
    return f"{match['arch']}_{match['name']}".lower(), match["version"]


def version_key(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")) if version else ()


class ComponentStore:
    """The copies on one Windows volume; each folder is listed once, when the first question comes."""

    def __init__(self, volume: Volume, number: int, windows_path: str) -> None:
        self._volume = volume
        self._number = number
        self._windows = windows_path
        self.problems: dict[str, str] = {}
        """Address of a folder that cannot be listed, or a copy that cannot be looked at -> why; filled as asked."""

    def copies(self, name: str) -> list[Copy]:
        """Every copy of a file called `name`, in the order of the sources, newest component first."""
        wanted = name.lower()
        found = [*self._component_copies(wanted), *self._backup_copies(wanted), *self._driver_store_copies(wanted)]
        order = {"component": 0, "backup": 1, "driver_store": 2}
        found.sort(key=lambda copy: version_key(copy.version), reverse=True)
        found.sort(key=lambda copy: order[copy.kind])
        return found

    def has_component(self, name: str) -> bool:
        """A component of Windows holds a file of that name."""
        return name.lower() in self._component_files

    def differentials(self, name: str) -> list[str]:
        """Addresses of differential copies of `name`, which only Windows' own engine can expand."""
        wanted = name.lower()
        holders = {parse_component(folder)[0] for folder, _ in self._component_files.get(wanted, [])}
        found: list[str] = []
        for folder in self._component_folders:
            if parse_component(folder)[0] in holders:
                for half in ("r", "f"):
                    path = f"{self._windows}\\WinSxS\\{folder}\\{half}\\{wanted}"
                    found.extend(copy.where for copy in self._copy("differential", path, "", ""))
        return found

    def _list(self, path: str, most: int) -> list[Entry]:
        try:
            entries = self._volume.listdir(path)
            if len(entries) > most:
                where = address(self._number, path)
                self.problems[where] = say("windows.too_many_names", where=where, most=most, count=len(entries))
            return entries[:most]
        except Missing:
            return []
        except InputError as error:
            self.problems[address(self._number, path)] = str(error)
            return []

    @cached_property
    def _component_folders(self) -> list[str]:
        return [
            e.name
            for e in self._list(f"{self._windows}\\WinSxS", MOST_COMPONENTS)
            if e.directory and COMPONENT.match(e.name)
        ]

    @cached_property
    def _component_files(self) -> dict[str, list[tuple[str, Entry]]]:
        """Images in component folders by lower-case name: (folder, entry).

        A real WinSxS has some 20,000 folders: each is listed once, however many files are asked for.
        """
        files: dict[str, list[tuple[str, Entry]]] = {}
        left = MOST_FILES
        for folder in self._component_folders:
            if left <= 0:
                break
            entries = self._list(f"{self._windows}\\WinSxS\\{folder}", left)
            left -= len(entries)
            for entry in entries:
                name = entry.name.lower()
                if not entry.directory and name.endswith(IMAGES):
                    files.setdefault(name, []).append((folder, entry))
        return files

    def _component_copies(self, wanted: str) -> Iterator[Copy]:
        for folder, entry in self._component_files.get(wanted, []):
            path = f"{self._windows}\\WinSxS\\{folder}\\{entry.name}"
            component, version = parse_component(folder)
            where = address(self._number, path)
            yield Copy("component", where, self._volume, path, entry.file_id, component, version)

    def _backup_copies(self, wanted: str) -> Iterator[Copy]:
        for entry in self._backup_files:
            component, version = parse_component(entry.name)
            # <component folder name>_<file name>_<hash>, the file name ending before the last underscore.
            tail = COMPONENT.sub("", entry.name, count=1).lower().lstrip("_")
            if component and tail.rsplit("_", 1)[0] == wanted:
                yield from self._copy("backup", f"{self._windows}\\WinSxS\\Backup\\{entry.name}", component, version)

    @cached_property
    def _backup_files(self) -> list[Entry]:
        return [
            entry for entry in self._list(f"{self._windows}\\WinSxS\\Backup", MOST_ELSEWHERE) if not entry.directory
        ]

    def _driver_store_copies(self, wanted: str) -> Iterator[Copy]:
        for path, entry in self._driver_store_files.get(wanted, []):
            yield Copy("driver_store", address(self._number, path), self._volume, path, entry.file_id, "", "")

    @cached_property
    def _driver_store_files(self) -> dict[str, list[tuple[str, Entry]]]:
        """Images in the folders of driver packages by lower-case name: (path, entry). Each folder is listed once."""
        root = f"{self._windows}\\System32\\DriverStore\\FileRepository"
        files: dict[str, list[tuple[str, Entry]]] = {}
        left = MOST_PACKAGED
        for package in self._list(root, MOST_ELSEWHERE):
            if left <= 0:
                break
            folder = f"{root}\\{package.name}"
            entries = self._list(folder, left) if package.directory else []
            left -= len(entries)
            for entry in entries:
                name = entry.name.lower()
                if not entry.directory and name.endswith(IMAGES):
                    files.setdefault(name, []).append((f"{folder}\\{entry.name}", entry))
        return files

    def _copy(self, kind: str, path: str, component: str, version: str) -> Iterator[Copy]:
        try:
            entry = self._volume.stat(path)
        except Missing:
            return
        except InputError as error:
            self.problems[address(self._number, path)] = str(error)
            return
        if not entry.directory:
            yield Copy(kind, address(self._number, path), self._volume, path, entry.file_id, component, version)
