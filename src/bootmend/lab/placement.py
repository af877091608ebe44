"""The other names and copies that Windows keeps of a binary.

As on a real machine most of WinSxS is hard links to the files in use. Some components have stayed
behind after an update: a `spare` is a superseded one whose file is the same, as a file of its own; an
`outdated` one holds an older version, whose hash the catalog of its time still knows.
"""

from __future__ import annotations

import hashlib
import ntpath
from dataclasses import dataclass

from bootmend.lab.blueprint import Blueprint
from bootmend.lab.roster import Binary

TOKEN = "31bf3856ad364e35"
"""The public key token of everything in Windows: part of component and package names."""
DRIVER_STORE = "\\Windows\\System32\\DriverStore\\FileRepository"
WINSXS = "\\Windows\\WinSxS"

_INF_PACKAGES = ("class-drivers", "storage-miniports", "usb-hid", "network-drivers")
"""Drivers of these in-box packages are installed by an INF, and stand in the driver store too."""
_VENDOR_VERSION = "3.1.0.7"
GROWN = ("classpnp.sys", "storport.sys", "ntoskrnl.exe")
"""Libraries, and the kernel, of which the older version has stayed, which lacks a function."""
_SPARES, _OUTDATED = 0.12, 0.06
"""Shares of the components for which something has stayed behind."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A binary, the version it is at, and everything else on the disk that goes by its name."""

    binary: Binary
    version: str
    links: tuple[str, ...] = ()
    """Other names of the very same file."""
    spares: tuple[str, ...] = ()
    """Files of their own with the same content."""
    outdated: str = ""
    """A file with the version that setup brought; empty where there is none."""
    driver_package: str = ""
    """Its folder in the driver store; empty where no INF installed it."""

    @property
    def same_file(self) -> tuple[str, ...]:
        return (self.binary.path, *self.links)

    @property
    def everywhere(self) -> tuple[str, ...]:
        """Every path that holds any version of it."""
        return (*self.same_file, *self.spares, *([self.outdated] if self.outdated else []))


def place(blueprint: Blueprint, binary: Binary, arch: str) -> Placed:
    """Where else `binary` stands. `arch` is amd64 or x86."""
    stem = ntpath.splitext(binary.name)[0].lower()
    if not binary.inbox:
        if binary.embedded and not binary.catalogued:
            return Placed(binary, _VENDOR_VERSION)  # installed by a program of its own, not by an INF
        store = f"{DRIVER_STORE}\\{binary.package}.inf_{arch}_{_digits(binary.package, 'store')}"
        return Placed(binary, _VENDOR_VERSION, spares=(f"{store}\\{binary.name}",), driver_package=store)
    if not binary.path.lower().startswith("\\windows\\"):
        return Placed(binary, blueprint.build.newest)

    build = blueprint.build
    choice = blueprint.random(binary.path.lower())
    # Drivers loaded at boot that nothing but a catalog vouches for are what breaks most: they have everything.
    telling = binary.start in (0, 1) and binary.signing == "catalog"
    spare = choice.random() < _SPARES or telling
    outdated = choice.random() < _OUTDATED or telling or binary.name.lower() in GROWN
    revision = build.revision if spare or outdated else choice.choice(_revisions(build.revision))
    by_inf = binary.package in _INF_PACKAGES
    component = f"dual_{stem}.inf" if by_inf else f"microsoft-windows-{stem}"

    def folder(number: int, role: str) -> str:
        version = f"{build.version}.{build.number}.{number}"
        digits = _digits(f"{component} {version} {binary.path.lower()}", role)
        return f"{WINSXS}\\{arch}_{component}_{TOKEN}_{version}_none_{digits}\\{binary.name}"

    if binary.path.lower().startswith(DRIVER_STORE.lower()):
        store, stored = ntpath.dirname(binary.path), []  # some drivers are loaded from the store itself
    elif by_inf:
        store = f"{DRIVER_STORE}\\{stem}.inf_{arch}_{_digits(component, 'store')}"
        stored = [f"{store}\\{binary.name}"]
    else:
        store, stored = "", []
    return Placed(
        binary,
        f"{build.version}.{build.number}.{revision}",
        links=(folder(revision, "in use"), *stored),
        spares=(folder(max(build.revision * 5 // 6, 1), "superseded"),) if spare else (),
        outdated=folder(1, "setup") if outdated else "",
        driver_package=store,
    )


def _revisions(newest: int) -> list[int]:
    """Revisions that a component may stand at: as setup brought it, or as some update did."""
    return [1, *(newest * part // 8 for part in range(1, 8) if newest * part // 8 > 1), newest, newest]


def _digits(what: str, role: str) -> str:
    """16 hex digits, as Windows derives them from a component's identity; here from its words."""
    return hashlib.sha256(f"{what}/{role}".encode()).hexdigest()[:16]
