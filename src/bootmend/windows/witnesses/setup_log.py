"""Setup.evtx: packages that servicing changed, or could not change.

Source: events 2 and 3 of Microsoft-Windows-Servicing as they stand in the Setup log (CbsPackageChangeState).
"""

from __future__ import annotations

from collections.abc import Iterator

from bootmend.formats.filetime import filetime_of
from bootmend.texts import say
from bootmend.windows.witnesses.observation import Kind, Observation
from bootmend.windows.witnesses.scene import Scene

LOG = "Setup"
MOST_CHUNKS = 4
CHANGED, NOT_CHANGED = 2, 3


def look(scene: Scene) -> Iterator[Observation]:
    for event in scene.events(LOG, MOST_CHUNKS).events:
        package = event.data.get("PackageIdentifier", "")
        if event.provider != "Microsoft-Windows-Servicing" or event.id not in (CHANGED, NOT_CHANGED) or not package:
            continue
        state = event.data.get("IntendedPackageStateTextized") or event.data.get("IntendedPackageState", "?")
        if event.id == CHANGED:
            what = say("timeline.package", package=package, state=state)
        else:
            code = event.data.get("ErrorCode", "?")
            what = say("timeline.not_package", package=package, state=state, code=code)
        yield Observation(filetime_of(event.when), Kind.UPDATED, what, scene.log(LOG, event.record))
