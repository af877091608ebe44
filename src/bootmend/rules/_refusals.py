"""What code integrity's own log said of a file of late: evidence beside what the disk itself shows."""

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
