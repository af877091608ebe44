"""Where a Windows leaves its crash dumps, and what lies there now, newest first.

At a crash the dump goes into the page file (or DedicatedDumpFile) and stays there until a start that gets far
enough copies it into MEMORY.DMP or the Minidump folder: a machine that no longer starts may have its newest
dump in no other place. The paths are those of CrashControl; where the registry does not tell, Windows' own
defaults. Source: "Memory dump file options for Windows" in Microsoft's documentation.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bootmend.dumps.header import Header, read_header
from bootmend.dumps.reader import Reader, looks_like_dump
from bootmend.errors import InputError, Missing, Refused
from bootmend.formats.hive import Key
from bootmend.volumes.volume import File
from bootmend.windows.image import address

if TYPE_CHECKING:
    from bootmend.windows.installation import Windows

_CRASH_CONTROL = "Control\\CrashControl"
_MEMORY = "Control\\Session Manager\\Memory Management"
_ANY_DRIVE = "?:"
MOST_SMALL = 64
"""Small dumps that are looked at, the ones written last; Windows keeps fifty."""


@dataclass(frozen=True, slots=True)
class CrashFile:
    """A file of the disk that holds a dump."""

    volume: int
    path: str
    file: File
    header: Header

    @property
    def where(self) -> str:
        return address(self.volume, self.path)


@dataclass(frozen=True, slots=True)
class CrashFiles:
    """The dumps of a disk, newest first by their own clock, and sentences about files that should be one."""

    found: list[CrashFile]
    unread: list[str]
    written: int = 0
    """FILETIME at which this Windows last wrote its SYSTEM hive; 0 where that is not known."""


def crash_files(windows: Windows) -> CrashFiles:
    found: list[CrashFile] = []
    unread: list[str] = []
    seen: set[tuple[int, str]] = set()
    for volume, path in _places(windows):
        if (volume, path.lower()) in seen:
            continue
        seen.add((volume, path.lower()))
        try:
            file = windows.image.volume(volume).open(path)
            if looks_like_dump(file):
                found.append(CrashFile(volume, path, file, read_header(Reader(file, address(volume, path)))))
        except Missing:
            continue
        except (InputError, Refused) as error:
            unread.append(str(error))
    # Of the same crash the first place counts: MEMORY.DMP before the page file it was copied from.
    found.sort(key=lambda one: one.header.system_time, reverse=True)
    written = 0
    with suppress(InputError, Refused):
        written = windows.system.hive.timestamp
    return CrashFiles(found, unread, written)


def _places(windows: Windows) -> Iterator[tuple[int, str]]:
    """(volume, path) of every file that may hold a dump, there or not."""
    control, memory = _key(windows, _CRASH_CONTROL), _key(windows, _MEMORY)
    for text in (_text(control, "DumpFile"), "%SystemRoot%\\MEMORY.DMP"):
        yield from located(windows, text)
    for text in dict.fromkeys((_text(control, "MinidumpDir"), "%SystemRoot%\\Minidump")):
        for volume, folder in located(windows, text):
            yield from _small(windows, volume, folder)
    yield from located(windows, _text(control, "DedicatedDumpFile"))
    for entry in _strings(memory, "PagingFiles"):
        yield from located(windows, entry.split(".sys")[0] + ".sys" if ".sys" in entry else entry)
    for entry in _strings(memory, "ExistingPageFiles"):
        yield from located(windows, entry)
    yield windows.volume, "\\pagefile.sys"


def _small(windows: Windows, volume: int, folder: str) -> Iterator[tuple[int, str]]:
    with suppress(InputError):
        entries = [one for one in windows.image.volume(volume).listdir(folder) if not one.directory]
        entries = [one for one in entries if one.name.lower().endswith(".dmp")]
        entries.sort(key=lambda one: one.modified, reverse=True)
        yield from ((volume, f"{folder}\\{one.name}") for one in entries[:MOST_SMALL])


def located(windows: Windows, text: str) -> Iterator[tuple[int, str]]:
    """The place of a path as the registry writes it; nothing where its drive is not on this disk."""
    text = text.removeprefix("\\??\\")
    lowered = text.lower()
    for word in ("%systemroot%", "%windir%", "\\systemroot"):
        if lowered.startswith(word):
            yield windows.volume, windows.path + text[len(word) :].rstrip("\\")
            return
    if lowered.startswith("%systemdrive%"):
        yield windows.volume, text[len("%systemdrive%") :]
    elif text.startswith(_ANY_DRIVE):
        yield windows.volume, text[2:]
    elif text[1:3] == ":\\":
        with suppress(InputError):  # the registry's own letters may not read
            number = windows.volume_names.get(text[:2].upper())
            if number is not None:
                yield number, text[2:].rstrip("\\")


def _key(windows: Windows, path: str) -> Key | None:
    with suppress(InputError, Refused):
        return windows.control(path)
    return None


def _text(key: Key | None, name: str) -> str:
    with suppress(InputError):
        value = key.value(name) if key is not None else None
        return value.text if value is not None else ""
    return ""


def _strings(key: Key | None, name: str) -> list[str]:
    with suppress(InputError):
        value = key.value(name) if key is not None else None
        return value.strings if value is not None else []
    return []
