"""The page files that Windows is told to have, and where they are, as far as this disk tells.

Source: Microsoft's documentation of PagingFiles (`drive:\\path minimum maximum`, in MiB; a drive `?:` leaves the
place to Windows, sizes of 0 leave the size to it) and ExistingPageFiles (where they were last).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bootmend.formats.hive import Key

MEMORY = "Control\\Session Manager\\Memory Management"
CRASH_CONTROL = "Control\\CrashControl"
ANY_DRIVE = "?:"


@dataclass(frozen=True, slots=True)
class PageFile:
    drive: str
    """`C:`, or `?:` where Windows chooses."""
    path: str
    """From the volume's root."""
    size: str
    """As configured, in MiB: `16384-16384`; empty where Windows manages it."""
    volume: int | None
    """The partition of this disk it is on; None where its drive is not on this disk."""


def page_files(memory: Key | None, drives: Mapping[str, int]) -> list[PageFile]:
    """By PagingFiles; where that leaves the drive to Windows, where it was last, by ExistingPageFiles.

    `memory`: the key `Memory Management`; `drives`: volumes of this disk by drive ("C:").
    """
    existing = [entry.removeprefix("\\??\\") for entry in _strings(memory, "ExistingPageFiles")]
    found = []
    for entry in _strings(memory, "PagingFiles"):
        words = entry.rsplit(" ", 2) if entry.count(" ") >= 2 else [entry]
        sizes = words[1:] if len(words) == 3 and all(word.isdecimal() for word in words[1:]) else []
        path = words[0] if sizes or len(words) == 1 else entry
        size = "-".join(sizes) if any(int(word) for word in sizes) else ""
        if path.startswith(ANY_DRIVE) and existing:
            found += [_page_file(drives, one, size) for one in existing]
        elif path[1:3] == ":\\":
            found.append(_page_file(drives, path, size))
    return found


def _page_file(drives: Mapping[str, int], path: str, size: str) -> PageFile:
    drive = path[:2].upper()
    return PageFile(drive, path[2:], size, drives.get(drive))


def _strings(key: Key | None, name: str) -> list[str]:
    value = key.value(name) if key is not None else None
    return value.strings if value is not None else []
