"""Protections that are on, and bear on what loads at boot.

Symptom:  none: a protection is not a fault. It explains why a driver is refused that another machine takes.
Cause:    virtualization based security, memory integrity (HVCI), Credential Guard or LSA protection is turned on.
Evidence: the values in the control set that boots: Control\\DeviceGuard, its scenario
          HypervisorEnforcedCodeIntegrity, and Control\\Lsa (LsaCfgFlags, RunAsPPL).
Repair:   none. The state is told, and whether it is locked.
Not done: nothing is turned off. LsaCfgFlags 1 and RunAsPPL 1 are kept in a firmware variable as well, so that clearing
          the value on the disk does not turn them off. Protections that Windows turns on by itself leave no value here.
By hand:  Microsoft's documentation of Credential Guard and of additional LSA protection tells how each is turned off.
"""

from __future__ import annotations

from collections.abc import Iterator

from bootmend.findings import Evidence, Finding, Severity, Station
from bootmend.texts import say
from bootmend.windows.installation import Windows

STATION = Station.AFTERWARDS

_GUARD = "Control\\DeviceGuard"
_HVCI = f"{_GUARD}\\Scenarios\\HypervisorEnforcedCodeIntegrity"
_LSA = "Control\\Lsa"
VALUES = (
    (_GUARD, "EnableVirtualizationBasedSecurity"),
    (_GUARD, "Locked"),
    (_HVCI, "Enabled"),
    (_HVCI, "Locked"),
    (_LSA, "LsaCfgFlags"),
    (_LSA, "RunAsPPL"),
)


def check(windows: Windows) -> Iterator[Finding]:
    on = []
    for path, name in VALUES:
        key = windows.control(path)
        value = key.value(name) if key is not None else None
        if value is not None and len(value.data) == 4 and value.number:
            on.append(Evidence(f"SYSTEM\\{windows.control_set}\\{path}", f"{name}={value.number}"))
    if on:
        yield Finding(
            rule="protections",
            severity=Severity.NOTE,
            subject="protections",
            title=say("rules_storage.protections_title", names=", ".join(one.what for one in on)),
            why=say("rules_storage.protections_why"),
            evidence=tuple(on),
        )
