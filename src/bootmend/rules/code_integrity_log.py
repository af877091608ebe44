"""Code integrity's own log says it did not accept a driver that is sound as far as this disk tells.

Symptom:  the driver was blocked when it was last loaded; or, where the log only audits, it was let through.
Cause:    a revoked signature, or a policy (App Control, the list of vulnerable drivers, memory integrity).
Evidence: events 3023, 3033 and 3077 of Microsoft-Windows-CodeIntegrity/Operational of the last 30
          days before the last start, on drivers that are loaded at boot.
Repair:   none: the driver's files are sound, and a policy that is switched on is not a fault.
Not done: a driver whose file or catalog is found wrong has a finding of its own, to which the same events are
          added as evidence (3001-3004 as well); it is not found twice. Where only those four tell of a
          driver that is sound now, the trouble is over. Files of programs, which the log names too, are left out.
By hand:  look the event up in the log; update the driver; or
          `reg load HKLM\\BROKEN D:\\Windows\\System32\\config\\SYSTEM`, then
          `reg add HKLM\\BROKEN\\ControlSet001\\Services\\<driver> /v Start /t REG_DWORD /d 4 /f`,
          `reg unload HKLM\\BROKEN`. The set is the one that Select\\Default names.
"""

from __future__ import annotations

from collections.abc import Iterator

from bootmend.findings import Finding, Severity, Station
from bootmend.rules._refusals import refusals
from bootmend.texts import say
from bootmend.windows.installation import Windows
from bootmend.windows.witnesses.observation import Kind

STATION = Station.AFTERWARDS


def check(windows: Windows) -> Iterator[Finding]:
    told = {driver.image.lower() for driver in windows.audited if driver.trouble is not None}
    for driver in windows.audited:
        seen = windows.timeline.refusals.get(driver.image.lower(), [])
        # A hash that was not found then and is found now is trouble that is over.
        if driver.image.lower() in told or not any(one.kind is Kind.BLOCKED for one in seen):
            continue
        told.add(driver.image.lower())
        yield Finding(
            rule="code_integrity_log",
            severity=Severity.NOTE,
            subject=driver.image,
            title=say("rules_witness.refused_title", image=driver.image),
            why=say("rules_witness.refused_why"),
            evidence=(*refusals(windows, driver.image), *driver.evidence()),
        )
