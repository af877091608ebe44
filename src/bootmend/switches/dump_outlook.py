"""What would come of the next crash: whether this machine has a place for a dump, as far as its disk tells.

At a crash Windows writes into a page file, and at the next start from there into MEMORY.DMP; a
DedicatedDumpFile takes the page file's part. On Azure the page file is often on the temporary disk
D:, which a dump cannot use. How much memory the machine has is not written on its disk.
"""

from __future__ import annotations

from dataclasses import dataclass

from bootmend.errors import InputError
from bootmend.formats.hive import Key
from bootmend.switches.machine import Machine
from bootmend.switches.setting import plain
from bootmend.texts import say
from bootmend.volumes.free import free_bytes

_MEMORY = "Control\\Session Manager\\Memory Management"
_CRASH_CONTROL = "Control\\CrashControl"
_ANY_DRIVE = "?:"
_GIB = 1 << 30
KEPT_FROM = 25 * _GIB
"""With less room than this Windows deletes a kernel or complete dump again, unless AlwaysKeepMemoryDump is 1."""


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


def dump_outlook(machine: Machine, variant: str) -> list[str]:
    """Sentences for the user; what is not known is said to be unknown."""
    current = machine.control_sets[0]
    control = machine.key(f"{current}\\{_CRASH_CONTROL}")
    dedicated = _text(control, "DedicatedDumpFile")
    files = page_files(machine)
    told = []
    if dedicated:
        drive = dedicated[:2].upper()
        known = drive in machine.windows.volume_names
        told.append(
            say("switches.dump_dedicated" if known else "switches.dump_dedicated_elsewhere", path=plain(dedicated))
        )
    elif not files:
        told.append(say("switches.dump_no_page_file"))
    elif not any(one.volume is not None or one.drive == _ANY_DRIVE for one in files):
        drives = ", ".join(dict.fromkeys(one.drive for one in files))
        told.append(say("switches.dump_temporary", drives=plain(drives)))
    else:
        told += [_place_of(machine, one) for one in files if one.volume is not None or one.drive == _ANY_DRIVE]
    told.append(say(f"switches.dump_need_{variant}"))
    told.append(_room(machine, control, variant))
    told.append(say("switches.dump_early"))
    return told


def page_files(machine: Machine) -> list[PageFile]:
    """By PagingFiles; where that leaves the drive to Windows, where it was last, by ExistingPageFiles."""
    key = machine.key(f"{machine.control_sets[0]}\\{_MEMORY}")
    existing = [entry.removeprefix("\\??\\") for entry in _strings(key, "ExistingPageFiles")]
    found = []
    for entry in _strings(key, "PagingFiles"):
        words = entry.rsplit(" ", 2) if entry.count(" ") >= 2 else [entry]
        sizes = words[1:] if len(words) == 3 and all(word.isdecimal() for word in words[1:]) else []
        path = words[0] if sizes or len(words) == 1 else entry
        size = "-".join(sizes) if any(int(word) for word in sizes) else ""
        if path.startswith(_ANY_DRIVE) and existing:
            found += [_page_file(machine, one, size) for one in existing]
        elif path[1:3] == ":\\":
            found.append(_page_file(machine, path, size))
    return found


def _page_file(machine: Machine, path: str, size: str) -> PageFile:
    drive = path[:2].upper()
    return PageFile(drive, path[2:], size, machine.windows.volume_names.get(drive))


def _place_of(machine: Machine, one: PageFile) -> str:
    configured = say("switches.dump_size", size=one.size) if one.size else say("switches.dump_managed")
    now = say("switches.unknown")
    if one.volume is not None:
        try:
            now = _gib(machine.windows.image.volume(one.volume).stat(one.path).size)
        except InputError:
            now = say("switches.dump_not_made")
    return say("switches.dump_page_file", path=plain(f"{one.drive}{one.path}"), configured=configured, now=now)


def _room(machine: Machine, control: Key | None, variant: str) -> str:
    try:
        free = free_bytes(machine.windows.image.volume(machine.windows.volume))
    except InputError:
        free = None
    if free is None:
        return say("switches.dump_room_unknown")
    keep = control.value("AlwaysKeepMemoryDump") if control is not None else None
    if variant != "small" and free < KEPT_FROM and not (keep is not None and any(keep.data)):
        return say("switches.dump_room_short", free=_gib(free), kept=_gib(KEPT_FROM))
    return say("switches.dump_room", free=_gib(free))


def _gib(count: int) -> str:
    return f"{count / _GIB:.1f} GiB"


def _text(key: Key | None, name: str) -> str:
    value = key.value(name) if key is not None else None
    return value.text if value is not None else ""


def _strings(key: Key | None, name: str) -> list[str]:
    value = key.value(name) if key is not None else None
    return value.strings if value is not None else []
