"""What is loaded beside the drivers: boot manager, boot loader, kernel, and the libraries that these import.

    bootmgfw.efi ── winload ── ntoskrnl.exe ── import table ── hal.dll, kdcom.dll, ci.dll, clfs.sys ...
                                  drivers ──── import table ── classpnp.sys, storport.sys, wdfldr.sys ...

Which libraries there are differs from build to build, so no list of names is asked: one that nothing here
imports is not missed. Each is looked at once, like a driver: its file, its signature, its own imports.

What an import table names is looked for where Windows looks: among what is loaded already, in
System32\\drivers, in System32, and beside the importer. API sets (api-ms-, ext-ms-) are names that the schema
resolves, and are not judged. The kernel stands for whatever name it is imported by, and so does the HAL.
The debugger's transport is chosen by the boot loader: kdcom.dll is a name that kd.dll or kdstub.dll may take.

Sources: Microsoft, "PE Format" (.idata, .edata), "Windows API sets"; "BCDEdit /set" (path, kernel, hal).
"""

from __future__ import annotations

import ntpath
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING

from bootmend.errors import InputError
from bootmend.findings import Evidence
from bootmend.formats.pe import I386, Linkage
from bootmend.texts import say
from bootmend.windows.drivers import AuditedDriver, Trouble, audit_driver
from bootmend.windows.firmware import BIOS, UEFI
from bootmend.windows.service import KERNEL_DRIVER, ErrorControl, Location, Service, Start

if TYPE_CHECKING:
    from bootmend.windows.installation import Windows

KERNELS = frozenset(("ntoskrnl.exe", "ntkrnlpa.exe", "ntkrnlmp.exe", "ntkrpamp.exe"))
HALS = frozenset(("hal.dll", "halacpi.dll", "halmacpi.dll"))
TRANSPORT, STAND_INS = "kdcom.dll", ("kd.dll", "kdstub.dll")
API_SETS = ("api-ms-", "ext-ms-")
LOADERS = ("winload.efi", "winload.exe")
_USUAL = {UEFI: "winload.efi", BIOS: "winload.exe"}
MOST_LIBRARIES, MOST_NAMES, DEEPEST_FORWARD = 500, 3_000_000, 4


class Role(Enum):
    MANAGER = "manager"
    LOADER = "loader"
    KERNEL = "kernel"
    """The kernel and what it imports: no start does without any of it."""
    LIBRARY = "library"
    """What only drivers import."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BootFile(AuditedDriver):
    """A file that is loaded without a service; `service` says how much hangs on it, as if it had one."""

    role: Role
    needed_by: str
    """The image that matters most of those that import it; empty for what is loaded by its own name."""
    rank: int = 0
    """Place of the first driver that needs it."""

    def evidence(self) -> tuple[Evidence, ...]:
        if not self.needed_by:
            return self.file_evidence()
        needed = Evidence(self.where, say("rules_kernel.imported_by", image=self.needed_by))
        return (*self.file_evidence(), needed)


@dataclass(frozen=True, slots=True)
class Unresolved:
    """Functions that an image imports and the library that is there does not have."""

    importer: AuditedDriver
    library: AuditedDriver
    functions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Need:
    """How much hangs on an importer."""

    role: Role
    critical: bool
    early: bool
    """Loaded by the boot loader."""
    rank: int


class BootFiles:
    """The files of one Windows, looked at when first asked for."""

    def __init__(self, windows: Windows) -> None:
        self._windows = windows
        self._libraries: dict[str, BootFile] = {}
        self._names = 0

    @cached_property
    def all(self) -> list[BootFile]:
        """In the order in which they are loaded."""
        files = [one for one in (self.manager, self.loader, self.kernel) if one is not None]
        return [*files, *self.libraries.values()]

    @cached_property
    def manager(self) -> BootFile | None:
        """UEFI's boot manager; bootmgr is no image that could be read. None also where none stands there."""
        start = self._windows.chain.start
        if start.firmware != UEFI or start.volume is None:
            return None
        found = self._audit(
            Location(start.volume, start.manager_path), Role.MANAGER, _Need(Role.MANAGER, True, True, 0)
        )
        return found if found.entry is not None else None

    @cached_property
    def loader(self) -> BootFile | None:
        """What the default entry starts, where it is a winload of this Windows; else the usual one of the firmware.

        None where the entry starts something else that is there, or perhaps another Windows of this disk.
        """
        chain = self._windows.chain
        path = self._setting("path") or ""
        if ntpath.basename(path).lower() in LOADERS and path.lower().startswith(f"{self._windows.path}\\".lower()):
            if not self._windows.boots_by_default and len(chain.installations) > 1:
                return None
        elif path and self._stands(path):
            return None
        else:
            # Without a store that says it, or with one whose repair leads here.
            name = _USUAL.get(chain.firmware or "")
            if name is None or chain.start.volume is None:
                return None
            path = f"{self._windows.path}\\System32\\{name}"
        return self._audit(Location(self._windows.volume, path), Role.LOADER, _Need(Role.LOADER, True, True, 0))

    def _stands(self, path: str) -> bool:
        with suppress(InputError):
            return self._windows.image.has_file(self._windows.volume, path)
        return False

    @cached_property
    def kernel(self) -> BootFile | None:
        """None where there are several, as on 32-bit Windows 7, of which the processor decides."""
        name = self._setting("kernel")
        if name and not self._find(name, "")[1]:
            name = None  # rules/bcd_kernel.py says it, and what it does leads to the usual one
        names = [name] if name else ["ntoskrnl.exe"]
        if not name and self._windows.machine_type == I386:
            names = [one for one in ("ntoskrnl.exe", "ntkrnlpa.exe") if self._find(one, "")[1]] or names
        if len(names) != 1:
            return None
        location = Location(self._windows.volume, f"{self._windows.path}\\System32\\{names[0]}")
        return self._audit(location, Role.KERNEL, _Need(Role.KERNEL, True, True, 0))

    @cached_property
    def libraries(self) -> dict[str, BootFile]:
        """By name in lower case; drivers that have a service of their own are not among them."""
        if self.kernel is not None:
            self._follow(self.kernel, _Need(Role.KERNEL, True, True, 0))
        for need, driver in sorted(
            self._drivers(), key=lambda one: (not one[0].critical, not one[0].early, one[0].rank)
        ):
            self._follow(driver, need)
        return self._libraries

    def _drivers(self) -> Iterator[tuple[_Need, AuditedDriver]]:
        for rank, driver in enumerate(self._audited):
            yield _Need(Role.LIBRARY, driver.needed_to_start, driver.early, rank), driver

    def _follow(self, importer: AuditedDriver, need: _Need) -> None:
        """Everything that an image imports, and what that imports in turn."""
        waiting = [importer]
        while waiting and len(self._libraries) < MOST_LIBRARIES:
            one = waiting.pop(0)
            for name in self._imports(one):
                if name in self._loaded or name in KERNELS:
                    continue
                if name not in self._libraries:
                    self._libraries[name] = self._library(name, one, need)
                    waiting.append(self._libraries[name])

    def _imports(self, one: AuditedDriver) -> dict[str, tuple[str, ...]]:
        """What an image imports; nothing where its own bytes are not to be believed."""
        if one.linkage is None or one.trouble in (Trouble.FILE_UNKNOWN, Trouble.UNREADABLE):
            return {}
        return {name: names for name, names in one.linkage.imports.items() if not name.startswith(API_SETS)}

    def _library(self, name: str, importer: AuditedDriver, need: _Need) -> BootFile:
        location, there = self._find(name, ntpath.dirname(importer.location.path))
        if name == TRANSPORT:
            others = [place for other in STAND_INS for place, here in [self._find(other, "")] if here]
            if others and not there:
                location = others[0]
            need = replace(need, critical=need.critical and not others)
        return self._audit(location, need.role, need, importer.image)

    def _find(self, name: str, beside: str) -> tuple[Location, bool]:
        """Where an import of that name stands, or where it would belong."""
        system = f"{self._windows.path}\\System32"
        folders = [f"{system}\\drivers", system] if name.endswith(".sys") else [system, f"{system}\\drivers"]
        for folder in (*folders, *([beside] if beside else [])):
            path = f"{folder}\\{name}"
            try:
                if self._windows.image.has_file(self._windows.volume, path):
                    return Location(self._windows.volume, path), True
            except InputError:
                return Location(self._windows.volume, path), True  # damage on the way to it is for the audit to tell
        return Location(self._windows.volume, f"{folders[0]}\\{name}"), False

    @cached_property
    def _loaded(self) -> dict[str, AuditedDriver]:
        """Drivers with a service, by their file's name."""
        return {driver.image.lower(): driver for driver in reversed(self._audited)}

    @property
    def _audited(self) -> list[AuditedDriver]:
        """Drivers that have a service; none where the registry cannot tell of them."""
        return self._windows.audited if self._windows.registry_fault is None else []

    def _audit(self, location: Location, role: Role, need: _Need, needed_by: str = "") -> BootFile:
        control = ErrorControl.CRITICAL if need.critical else ErrorControl.NORMAL
        start = Start.BOOT if need.early else Start.SYSTEM
        service = Service(ntpath.basename(location.path), "", start, KERNEL_DRIVER, control, "", None, location.path)
        windows = self._windows
        volume = windows.image.volume(location.volume) if location.volume is not None else None
        seen = audit_driver(service, location, volume, windows.signatures, lambda: windows.donor_catalogs)
        linkage = seen.linkage
        if linkage is not None:
            self._names += linkage.size
        return BootFile(
            service=service,
            location=location,
            entry=seen.entry,
            verdict=seen.verdict,
            trouble=seen.trouble,
            lost_catalog=seen.lost_catalog,
            error=seen.error,
            linkage=linkage if self._names <= MOST_NAMES else None,
            role=role,
            needed_by=needed_by,
            rank=need.rank,
        )

    def _setting(self, name: str) -> str | None:
        """A text of the default entry."""
        store, entry = self._windows.chain.judged, self._windows.chain.entry
        element = store.setting(entry, name) if store is not None and entry is not None else None
        return element.value if element is not None and isinstance(element.value, str) else None

    @cached_property
    def unresolved(self) -> list[Unresolved]:
        """Functions that nothing has: kernel and its libraries first, then drivers in load order."""
        found: list[Unresolved] = []
        for importer in self._importers():
            for name, functions in self._imports(importer).items():
                library = self.module(name)
                if library is None or library.linkage is None or library.trouble is not None:
                    continue
                lacking = tuple(one for one in functions if not self._offers(library, one))
                if lacking:
                    found.append(Unresolved(importer, library, lacking))
        return found

    def _importers(self) -> Iterator[AuditedDriver]:
        libraries = self.libraries.values()
        yield from (file for file in (self.kernel, *libraries) if file is not None)
        yield from (driver for driver in self._audited if driver.trouble is None)

    def resolves(self, linkage: Linkage) -> bool:
        """Everything that an image imports is there."""
        for name, functions in linkage.imports.items():
            if name.startswith(API_SETS) or self._chosen_at_boot(name):
                continue
            library = self.module(name)
            if library is None or not all(self._offers(library, function) for function in functions):
                return False
        return True

    def importers(self, library: AuditedDriver) -> Iterator[tuple[AuditedDriver, tuple[str, ...]]]:
        """Everything that imports from that library, and what of it."""
        for importer in self._importers():
            for name, functions in self._imports(importer).items():
                if self.module(name) is library:
                    yield importer, functions

    def module(self, name: str) -> AuditedDriver | None:
        """What an import by that name is resolved from."""
        if name in KERNELS:
            return self.kernel
        if self._chosen_at_boot(name):
            return None
        return self.libraries.get(name) or self._loaded.get(name)

    def _chosen_at_boot(self, name: str) -> bool:
        """Several files may stand behind the name: the debugger's transport, and the HAL of 32-bit Windows 7."""
        return name == TRANSPORT or (name in HALS and self._windows.machine_type == I386)

    def _offers(self, library: AuditedDriver, function: str, depth: int = 0) -> bool:
        if library.linkage is None or depth > DEEPEST_FORWARD:
            return True
        forward = library.linkage.exports.get(function)
        if forward is None:
            return False
        target, _, name = forward.rpartition(".")
        if not target:
            return True
        for suffix in ("", ".exe", ".sys", ".dll"):
            other = self.module(f"{target.lower()}{suffix}")
            if other is not None and other.trouble is None:
                return self._offers(other, name, depth + 1)
        return True
