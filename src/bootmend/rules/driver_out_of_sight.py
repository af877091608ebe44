"""Nothing can be said of a driver, because its file is kept where bootmend does not look.

Symptom:  none that is known.
Cause:    the service names a file on a volume that is not on this disk or is encrypted, behind a link, in a
          WIM archive (WIMBoot), or one that Windows has deduplicated, archived or encrypted.
Evidence: the service's key, and what was seen at the place that it names.
Repair:   none: nothing is known to be wrong. Attach the other disk, or unlock the volume, and look again.
Not done: what cannot be seen is not called damaged or missing.
By hand:  attach the machine's other disk beside this one, or unlock the volume (`manage-bde -unlock D: -rp <key>`), and
          look at the file that the evidence names.
"""

from __future__ import annotations

from collections.abc import Iterator

from bootmend.findings import Finding, Severity, Station
from bootmend.texts import say
from bootmend.windows.drivers import Trouble
from bootmend.windows.installation import Windows

STATION = Station.AFTERWARDS


def check(windows: Windows) -> Iterator[Finding]:
    for driver in windows.audited:
        if driver.trouble is Trouble.OUT_OF_SIGHT:
            yield Finding(
                rule="driver_out_of_sight",
                severity=Severity.NOTE,
                subject=driver.image,
                title=say("rules.driver_out_of_sight_title", image=driver.image),
                why=say("rules.driver_out_of_sight_why"),
                evidence=driver.evidence(),
            )
