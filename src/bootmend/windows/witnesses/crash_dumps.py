"""Minidump\\*.dmp and MEMORY.DMP: that there was a crash, when, and its bug check code; only headers are read.

Source: the header of a kernel dump as public tools describe it (kdmp-parser): 64-bit `PAGEDU64`, code at 0x38,
system time at 0xfa8; 32-bit `PAGEDUMP`, code at 0x28.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from bootmend.dumps.header import MADE_BY_A_TOOL
from bootmend.errors import InputError, Missing
from bootmend.formats.filetime import moment
from bootmend.texts import say
from bootmend.volumes.volume import Entry
from bootmend.windows.witnesses.observation import Kind, Observation
from bootmend.windows.witnesses.scene import Scene

FOLDER, WHOLE = "Minidump", "MEMORY.DMP"
MOST_DUMPS = 5
HEADER = 4096


def look(scene: Scene) -> Iterator[Observation]:
    found: list[tuple[str, Entry]] = []
    with suppress(Missing):
        entries = [one for one in scene.files.listdir(f"{scene.path}\\{FOLDER}") if one.name.lower().endswith(".dmp")]
        entries.sort(key=lambda one: one.modified, reverse=True)
        found.extend((f"{FOLDER}\\{one.name}", one) for one in entries[:MOST_DUMPS] if not one.directory)
    with suppress(Missing):
        entry = scene.files.stat(f"{scene.path}\\{WHOLE}")
        if not entry.directory:
            found.append((WHOLE, entry))
    for relative, entry in found:
        observation = _dump(scene, relative, entry)
        if observation is not None:
            yield observation


def _dump(scene: Scene, relative: str, entry: Entry) -> Observation | None:
    try:
        head = scene.files.open(f"{scene.path}\\{relative}").read(0, HEADER)
    except InputError as reason:
        # One dump that cannot be read says nothing against the others.
        return Observation(entry.modified or None, Kind.CRASHED, str(reason), scene.where(relative))
    if head[:8] == b"PAGEDU64" and len(head) == HEADER:
        code, written = int.from_bytes(head[0x38:0x3C], "little"), int.from_bytes(head[0xFA8:0xFB0], "little")
    elif head[:8] == b"PAGEDUMP" and len(head) == HEADER:
        code, written = int.from_bytes(head[0x28:0x2C], "little"), 0
    else:
        return None
    if code == MADE_BY_A_TOOL:
        return None
    when = written if moment(written) is not None else entry.modified or None
    return Observation(when, Kind.CRASHED, say("timeline.dump", code=f"0x{code:X}"), scene.where(relative))
