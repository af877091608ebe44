"""The default boot entry starts safe mode.

Symptom:  the machine comes up, but at every start in safe mode: without most drivers and services, often without
          network and remote desktop, so that it looks unreachable.
Cause:    the element safeboot of the default entry: minimal, network or dsrepair (directory services restore mode).
Evidence: the element and the object that holds it.
Repair:   none by itself: somebody set it, and may be at work in it. bootmend disable DISK safe-mode takes back what
          bootmend enable has set.
Not done: it keeps no machine from starting: a note.
By hand:  bcdedit /store <BCD> /deletevalue {default} safeboot (and safebootalternateshell).
"""

from __future__ import annotations

from collections.abc import Iterator

from bootmend.findings import Evidence, Finding, Severity, Skipped, Station
from bootmend.rules._store import boot_entry, holder_of
from bootmend.texts import say
from bootmend.windows.installation import Windows

STATION = Station.AFTERWARDS
NEEDS_REGISTRY = False


def check(windows: Windows) -> Iterator[Finding]:
    entry = boot_entry(windows)
    element = entry.store.setting(entry.object, "safeboot") if entry is not None else None
    if entry is None or element is None:
        return
    holder = holder_of(entry.store, entry.object, "safeboot")
    yield Finding(
        rule="bcd_safe_mode",
        severity=Severity.NOTE,
        subject=entry.object.name,
        title=say("rules_boot.safe_title", setting=str(element)),
        why=say("rules_boot.safe_why"),
        evidence=(Evidence(f"{entry.store.file} {holder.name}", str(element)),),
        skipped=(Skipped(say("rules_boot.safe_action"), say("rules_boot.safe_skipped")),),
    )
