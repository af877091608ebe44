"""Minidump\\*.dmp, MEMORY.DMP and a dump left in the page file: that there was a crash, when, and its stop code.

Only headers are read. What a dump says beyond that, and whether it is of the present trouble, is
`windows.crash_witness`'s matter.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from bootmend.dumps.bugchecks import bug_check, plain_code
from bootmend.dumps.header import read_header
from bootmend.dumps.reader import Reader, looks_like_dump
from bootmend.errors import InputError, Missing
from bootmend.formats.filetime import moment
from bootmend.texts import say
from bootmend.volumes.volume import Entry
from bootmend.windows.image import address
from bootmend.windows.witnesses.observation import Kind, Observation
from bootmend.windows.witnesses.scene import Scene

FOLDER, WHOLE, PAGE_FILE = "Minidump", "MEMORY.DMP", "\\pagefile.sys"
MOST_DUMPS = 5


def look(scene: Scene) -> Iterator[Observation]:
    found: list[tuple[str, Entry]] = []
    folder = f"{scene.path}\\{FOLDER}"
    with suppress(Missing):
        entries = [one for one in scene.files.listdir(folder) if one.name.lower().endswith(".dmp")]
        entries.sort(key=lambda one: one.modified, reverse=True)
        found.extend((f"{folder}\\{one.name}", one) for one in entries[:MOST_DUMPS] if not one.directory)
    for path in (f"{scene.path}\\{WHOLE}", PAGE_FILE):
        with suppress(Missing):
            entry = scene.files.stat(path)
            if not entry.directory:
                found.append((path, entry))
    for path, entry in found:
        observation = _dump(scene, path, entry)
        if observation is not None:
            yield observation


def _dump(scene: Scene, path: str, entry: Entry) -> Observation | None:
    where = address(scene.volume, path)
    try:
        file = scene.files.open(path)
        if not looks_like_dump(file):
            return None
        header = read_header(Reader(file, where))
    except InputError as reason:
        # One dump that cannot be read says nothing against the others.
        return Observation(entry.modified or None, Kind.CRASHED, str(reason), where)
    if header.made_by_a_tool:
        return None
    when = header.system_time if moment(header.system_time) is not None else entry.modified or None
    code = plain_code(header.code)
    return Observation(when, Kind.CRASHED, say("timeline.dump", code=f"0x{code:X} {bug_check(code).name}"), where)
