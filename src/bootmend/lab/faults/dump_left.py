"""What the faults that leave a crash dump have in common: of which driver it tells, and how it comes onto the disk."""

from __future__ import annotations

import ntpath
from collections.abc import Callable, Mapping

from bootmend.errors import Misuse
from bootmend.lab.crashed_memory import CrashedMemory
from bootmend.lab.faults.fault import STATUS_INVALID_IMAGE_HASH, Outcome
from bootmend.lab.logs import at
from bootmend.lab.open_machine import OpenMachine
from bootmend.lab.true_dump import crashed_memory
from bootmend.texts import say

CRASHED, STARTED_AGAIN = "2024-02-18 18:59:12", "2024-02-18 19:04:00"
"""The stop that the faults of drivers log, and the start after it, as they have it."""
CRASHED_LAST = "2024-02-18 19:11:40"
"""A stop that nothing came after."""
CRASHED_BEFORE = "2024-02-11 06:58:03"
"""A stop before the last starts of the healthy machine, which were good ones."""


def leave_dump(
    machine: OpenMachine, when: str, files: Mapping[str, Callable[[CrashedMemory], bytes]], *touched: str
) -> Outcome:
    """Writes a dump of a stop at `when` (UTC) into each of `files`: path -> how it is made of the memory."""
    critical = machine.critical(lambda one: one.signing == "catalog" and one.owner == "inbox" and one.kind == "driver")
    if not critical:
        raise Misuse(say("lab.no_victim", name="a dump", why="no critical driver relies on a catalog alone"))
    named = min(critical, key=lambda one: (one.name.lower() != "filecrypt.sys", -(one.start or 0)))
    memory = crashed_memory(machine, named, STATUS_INVALID_IMAGE_HASH, at(when))
    volume = machine.windows
    for path, make in files.items():
        folder = ntpath.dirname(path)
        if not volume.exists(folder):
            volume.mkdir(folder)
        if volume.exists(path):
            volume.delete(path)
        volume.create(path, make(memory))
    return Outcome(
        touched=tuple(machine.address(path) for path in (*files, *touched)),
        details={"dump": {"names": named.name, "path": named.path, "when": when, "files": list(files)}},
    )
