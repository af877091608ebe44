"""What would come of the next crash: whether this machine has a place for a dump, as far as its disk tells.

At a crash Windows writes into a page file, and at the next start from there into MEMORY.DMP; a
DedicatedDumpFile takes the page file's part. On Azure the page file is often on the temporary disk
D:, which a dump cannot use. How much memory the machine has is not written on its disk.
"""

from __future__ import annotations

from bootmend.errors import InputError
from bootmend.formats.hive import Key
from bootmend.switches.machine import Machine
from bootmend.switches.setting import plain
from bootmend.texts import say
from bootmend.volumes.free import free_bytes
from bootmend.windows.page_files import ANY_DRIVE, CRASH_CONTROL, MEMORY, PageFile, page_files

_GIB = 1 << 30
KEPT_FROM = 25 * _GIB
"""With less room than this Windows deletes a kernel or complete dump again, unless AlwaysKeepMemoryDump is 1."""


def dump_outlook(machine: Machine, variant: str) -> list[str]:
    """Sentences for the user; what is not known is said to be unknown."""
    current = machine.control_sets[0]
    control = machine.key(f"{current}\\{CRASH_CONTROL}")
    dedicated = _text(control, "DedicatedDumpFile")
    files = page_files(machine.key(f"{current}\\{MEMORY}"), machine.windows.volume_names)
    told = []
    if dedicated:
        drive = dedicated[:2].upper()
        known = drive in machine.windows.volume_names
        told.append(
            say("switches.dump_dedicated" if known else "switches.dump_dedicated_elsewhere", path=plain(dedicated))
        )
    elif not files:
        told.append(say("switches.dump_no_page_file"))
    elif not any(one.volume is not None or one.drive == ANY_DRIVE for one in files):
        drives = ", ".join(dict.fromkeys(one.drive for one in files))
        told.append(say("switches.dump_temporary", drives=plain(drives)))
    else:
        told += [_place_of(machine, one) for one in files if one.volume is not None or one.drive == ANY_DRIVE]
    told.append(say(f"switches.dump_need_{variant}"))
    told.append(_room(machine, control, variant))
    told.append(say("switches.dump_early"))
    return told


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
