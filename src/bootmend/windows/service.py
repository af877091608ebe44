"""A service key of the SYSTEM hive, and where its binary stands.

Source: Microsoft's documentation of the CurrentControlSet\\Services registry tree. Windows
reads ImagePath by these rules: no value means System32\\drivers\\<name>.sys; a relative path
starts at %SystemRoot%; \\SystemRoot\\ and %SystemRoot%\\ name the Windows folder; \\??\\C:\\ and
C:\\ name a drive letter, which for the Windows volume is the one in its own SOFTWARE hive;
\\??\\Volume{GUID}\\ names what MountedDevices says. \\Device\\HarddiskVolume3\\ and
\\ArcName\\...\\ count volumes in the order in which that boot found them, which no disk tells:
what is loaded that early stands on the Windows volume, and there it is looked for. A share, another
variable, or a way through `.` and `..` leads to no place that could be named for sure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum

from bootmend.findings import Evidence
from bootmend.formats.hive import Key


class Start(IntEnum):
    BOOT = 0
    """Read into memory by winload, before the kernel runs."""
    SYSTEM = 1
    """Loaded by the kernel's I/O manager while it starts."""
    AUTO = 2
    DEMAND = 3
    DISABLED = 4


class ErrorControl(IntEnum):
    IGNORE = 0
    NORMAL = 1
    SEVERE = 2
    """Last Known Good is tried; if that is running already, the boot goes on."""
    CRITICAL = 3
    """The machine stops."""


LONGEST = 32767
"""Characters of a path, as Windows has it."""
MOST_GROUPS = 100
KERNEL_DRIVER, FILE_SYSTEM_DRIVER, RECOGNIZER = 1, 2, 8
"""Values of Type that the kernel loads as images."""


@dataclass(frozen=True, slots=True)
class Service:
    """One service or driver, as its key says; numbers are as they stand, sound or not."""

    name: str
    key: str
    """Path of its key in the SYSTEM hive, without the hive's own name."""
    start: int | None
    type: int
    error_control: int
    group: str
    tag: int | None
    image_path: str
    """ImagePath as written; empty where there is none."""
    depends_on_groups: tuple[str, ...] = ()
    """DependOnGroup."""

    @property
    def is_driver(self) -> bool:
        return self.type in (KERNEL_DRIVER, FILE_SYSTEM_DRIVER, RECOGNIZER)

    @property
    def loads_at_boot(self) -> bool:
        """Loaded by winload or by the kernel before any session exists."""
        return self.is_driver and self.start in (Start.BOOT, Start.SYSTEM)

    @property
    def critical(self) -> bool:
        return self.error_control == ErrorControl.CRITICAL

    def evidence(self) -> Evidence:
        """What its key says of when it is loaded and what happens if that fails."""
        image = self.image_path or f"(none: System32\\drivers\\{self.name}.sys)"
        return Evidence(
            f"SYSTEM\\{self.key}",
            f"Start={self.start} Type={self.type} ErrorControl={self.error_control} ImagePath={image}",
        )


def read_service(key: Key, path: str) -> Service:
    """The service of a key under Services; a missing number is None, or Windows' own default."""

    def number(name: str, default: int) -> int:
        value = key.value(name)
        return value.number if value is not None and 4 <= len(value.data) <= 8 else default

    group = key.value("Group")
    image = key.value("ImagePath")
    groups = key.value("DependOnGroup")
    start = number("Start", -1)
    tag = number("Tag", -1)
    return Service(
        name=key.name,
        key=path,
        start=start if start >= 0 else None,
        type=number("Type", 0),
        error_control=number("ErrorControl", ErrorControl.NORMAL),
        group=group.text[:LONGEST] if group is not None else "",
        tag=tag if tag >= 0 else None,
        image_path=image.text[:LONGEST] if image is not None else "",
        depends_on_groups=tuple(name for name in groups.strings[:MOST_GROUPS] if name) if groups is not None else (),
    )


@dataclass(frozen=True, slots=True)
class Location:
    """A path on a volume; `volume` is None where the drive letter names no volume of this disk."""

    volume: int | None
    path: str


_PREFIXES = ("\\??\\", "\\\\?\\", "\\DosDevices\\", "\\GLOBAL??\\", "GLOBALROOT\\")
_WINDOWS_FOLDER = ("\\systemroot\\", "%systemroot%\\", "%windir%\\", "systemroot\\")
_COUNTED = re.compile(r"\\?(?:device\\harddisk(?:volume\d+|\d+\\partition\d+)|arcname\\[^\\]+)(?=\\)", re.IGNORECASE)
_NO_PLACE = re.compile(
    r"^\\\\|^\\?unc\\|^%(?!systemroot%\\|windir%\\|systemdrive%\\)[^\\%]+%|(?:^|\\)\.{1,2}(?:\\|$)", re.IGNORECASE
)
"""A share, a variable that is not known here, and folders called `.` or `..`, which the kernel does not resolve."""
_NAMED = re.compile(r"volume\{[0-9a-f-]{36}\}(?=\\)", re.IGNORECASE)


def locate_image(service: Service, windows_volume: int, windows_path: str, names: dict[str, int]) -> Location:
    """Where the service's binary stands. `names` maps "C:" and "VOLUME{GUID}" to a volume number of this disk."""
    text = service.image_path.strip().strip('"').replace("/", "\\")
    if not text:
        return Location(windows_volume, f"{windows_path}\\System32\\drivers\\{service.name}.sys")
    # Win32 services carry arguments; a driver's ImagePath is the file name alone.
    for prefix in _PREFIXES:
        if text.lower().startswith(prefix.lower()):
            text = text[len(prefix) :]
    lowered = text.lower()
    if _NO_PLACE.search(text):
        return Location(None, text)
    for prefix in _WINDOWS_FOLDER:
        if lowered.startswith(prefix):
            rest = text[len(prefix) :].lstrip("\\")
            return Location(windows_volume, f"{windows_path}\\{rest}")
    if lowered.startswith("%systemdrive%\\"):
        return Location(windows_volume, text[len("%systemdrive%") :])
    if len(text) > 2 and text[1] == ":":
        return Location(names.get(text[:2].upper()), text[2:])
    named = _NAMED.match(text)
    if named is not None:
        return Location(names.get(named[0].upper()), text[named.end() :])
    counted = _COUNTED.match(text)
    if counted is not None:
        return Location(windows_volume, text[counted.end() :])
    if text.startswith("\\"):
        return Location(windows_volume, text)
    return Location(windows_volume, f"{windows_path}\\{text}")
