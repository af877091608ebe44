"""CodeIntegrity's own log: files whose signature it did not accept.

Source: Microsoft's "Code integrity diagnostics and system log events" and "Understanding App Control event
IDs": 3001 an unsigned driver was loaded, 3002 a page hash did not verify, 3003 and 3004 no hash was found on
the system (the catalog is missing, or the file changed), 3023 the driver is revoked, 3033 the signing level was
not met, 3077 a policy blocked it.
"""

from __future__ import annotations

import ntpath
from collections.abc import Iterator

from bootmend.formats.event_log import Event
from bootmend.formats.filetime import filetime_of
from bootmend.texts import say
from bootmend.windows.witnesses.observation import Kind, Observation
from bootmend.windows.witnesses.scene import Scene

LOG = "Microsoft-Windows-CodeIntegrity%4Operational"
MOST_CHUNKS = 16
REFUSALS = frozenset({3001, 3002, 3003, 3004})
BLOCKS = frozenset({3023, 3033, 3077})


def look(scene: Scene) -> Iterator[Observation]:
    for event in scene.events(LOG, MOST_CHUNKS).events:
        file = _file(event) if event.id in REFUSALS | BLOCKS and event.provider.endswith("CodeIntegrity") else ""
        if file:
            what = say("timeline.refused", file=file, number=event.id, meaning=say(f"timeline.refused_{event.id}"))
            where = scene.log(LOG, event.record)
            kind = Kind.BLOCKED if event.id in BLOCKS else Kind.REFUSED
            yield Observation(filetime_of(event.when), kind, what, where, ntpath.basename(file))


def _file(event: Event) -> str:
    """The file that was looked at: FileNameBuffer, or File Name; not that of the process."""
    for name, value in event.data.items():
        if name.lower().replace(" ", "") in ("filenamebuffer", "filename", "filepath"):
            return value.strip()
    return ""
