"""Which binaries a machine has, who signs each, and where.

services of the blueprint, or of a real hive ─┐
files.txt                                    ─┴── roster ── Binary, Binary, ...
"""

from __future__ import annotations

import ntpath
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache

from bootmend.lab import texts
from bootmend.lab.blueprint import INBOX, Blueprint, FileRow, ServiceRow
from bootmend.lab.pe_maker import Kind
from bootmend.windows.service import Service, locate_image

_ENOUGH_CRITICAL = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary:
    """One image file in use. `path` is from the root of the Windows volume."""

    path: str
    kind: Kind
    boot: bool = False
    """Runs in the boot environment: winload, bootmgfw and their like."""
    signing: str
    """catalog, embedded or both."""
    owner: str = INBOX
    package: str
    """Key of packages.txt, or the vendor's driver package."""
    description: str
    service: str = ""
    start: int | None = None
    error_control: int | None = None

    @property
    def name(self) -> str:
        return ntpath.basename(self.path)

    @property
    def inbox(self) -> bool:
        return self.owner == INBOX

    @property
    def catalogued(self) -> bool:
        return self.signing in ("catalog", "both")

    @property
    def embedded(self) -> bool:
        return self.signing in ("embedded", "both")


def roster(blueprint: Blueprint, services: Iterable[Service] | None = None) -> list[Binary]:
    """Every binary of the machine, each path once, files of the boot chain first.

    `services` are those of a real hive; without them the blueprint's own are taken.
    """
    found: dict[str, Binary] = {row.path.lower(): _from_file(row) for row in blueprint.files}
    known = {row.name.lower(): row for row in blueprint.services}
    rows = blueprint.services if services is None else tuple(_row(service, known) for service in services)
    for row in rows:
        path = image_path(row)
        held = found.get(path.lower())
        # A file that several services share belongs to the one that starts it earliest.
        if path and (held is None or (held.service and _start(row) < (held.start or 0))):
            found[path.lower()] = _from_service(row, path)
    return _with_critical(list(found.values()))


def _with_critical(binaries: list[Binary]) -> list[Binary]:
    """Sees to it that some critical driver relies on a catalog alone, as on every real machine some does.

    The blueprint has FileCrypt; a hive from before Windows 10 has not.
    """
    critical = [binary for binary in binaries if binary.error_control == 3 and binary.start in (0, 1) and binary.inbox]
    if any(binary.signing == "catalog" for binary in critical):
        return binaries
    chosen = sorted(critical, key=lambda binary: (-(binary.start or 0), binary.name.lower()))[-_ENOUGH_CRITICAL:]
    return [replace(binary, signing="catalog") if binary in chosen else binary for binary in binaries]


def image_path(row: ServiceRow) -> str:
    """Where the row's binary stands on the Windows volume; empty if nowhere on it."""
    driver = row.type in (1, 2, 8)
    if row.type is None or not (row.image or driver):
        return ""
    image = row.image if driver else _program(row.image)
    service = Service(row.name, "", row.start, row.type, row.error_control or 0, "", None, image)
    location = locate_image(service, 0, "\\Windows", {"C:": 0})
    path = ntpath.normpath(location.path)
    odd = location.volume != 0 or not path.startswith("\\") or any(character in path for character in '%:"*?<>|')
    return "" if odd or "." not in ntpath.basename(path) else _usual_case(path)


def _usual_case(path: str) -> str:
    """`path` with the folders that a fresh Windows has written as it writes them: hives mix system32 and System32."""
    folder, name = ntpath.split(path)
    known = _folders().get(folder.lower())
    return f"{known}\\{name}" if known is not None else path


@cache
def _folders() -> dict[str, str]:
    return {row[0].lower(): row[0] for row in texts.rows("folders")}


def _program(command: str) -> str:
    """The file that a command line starts."""
    text = command.strip()
    if text.startswith('"'):
        text = text[1:].split('"', 1)[0]
    else:
        end = text.lower().find(".exe")
        text = text[: end + 4] if end >= 0 else text.split(" ", 1)[0]
    if text.lower().startswith("%programfiles%"):
        return "C:\\Program Files" + text[len("%programfiles%") :]
    return text


def _start(row: ServiceRow) -> int:
    return row.start if row.start is not None else 4


def _row(service: Service, known: dict[str, ServiceRow]) -> ServiceRow:
    """A real hive's service: its own figures, signed as the blueprint's service of that name is."""
    model = known.get(service.name.lower())
    if model is not None and model.signing:
        signing, owner, package = model.signing, model.owner, model.package
    else:
        signing = "both" if service.loads_at_boot else "catalog"
        owner, package = INBOX, "optional-drivers" if service.is_driver else "services"
    return ServiceRow(
        service.name,
        service.type or None,
        service.start,
        service.error_control,
        service.group,
        service.tag,
        service.image_path,
        signing,
        owner,
        package,
    )


def _from_file(row: FileRow) -> Binary:
    kind: Kind = "driver" if row.kind == "driver" else "dll" if row.kind == "dll" else "exe"
    return Binary(
        path=row.path,
        kind=kind,
        boot=row.package == "boot-files",
        signing=row.signing,
        package=row.package,
        description=row.description,
    )


def _from_service(row: ServiceRow, path: str) -> Binary:
    driver = row.type in (1, 2, 8)
    return Binary(
        path=path,
        kind="driver" if driver else "exe",
        signing=row.signing or "catalog",
        owner=row.owner,
        package=row.package or "services",
        description=f"{row.name} {'driver' if driver else 'service'}",
        service=row.name,
        start=row.start,
        error_control=row.error_control,
    )
