"""What code integrity's own log, and the last crash dump, said of a file of late: evidence beside the disk's own."""

from __future__ import annotations

from bootmend.findings import Evidence
from bootmend.formats.filetime import shown
from bootmend.windows.installation import Windows

MOST_REFUSALS = 2
"""Events of one file that are shown; a blocked driver may have hundreds."""


def refusals(windows: Windows, image: str) -> tuple[Evidence, ...]:
    """Events of a file of that name, newest first; never what is long over."""
    seen = windows.timeline.refusals.get(image.lower(), [])
    return tuple(Evidence(one.where, f"{shown(one.when or 0)}: {one.what}") for one in seen[:MOST_REFUSALS])


def dumped(windows: Windows, image: str) -> tuple[Evidence, ...]:
    """The newest dump, where it is of the present trouble and names a file of that name."""
    return windows.crash.evidence(image) if windows.crash is not None else ()
