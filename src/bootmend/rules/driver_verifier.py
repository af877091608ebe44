"""Driver Verifier is on.

Symptom:  stop 0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION, 0xC9 or 0xD6, sometimes at every boot; or a machine that
          starts, but slowly.
Cause:    Control\\Session Manager\\Memory Management names drivers that Windows is to test while they run
          (VerifyDrivers, by the rules of VerifyDriverLevel). It stops the machine at the first mistake of one of
          them. That is a tool of developers, left on.
Evidence: both values. Microsoft documents them with verifier.exe.
Repair:   with --accept driver-verifier, deletes both values, as verifier /reset does.
Not done: it is a risk, not a cause: a machine whose drivers make no mistake starts with it. Who turned it on may want
          it on. VerifyDriverLevel 0, or no driver named, is off.
By hand:  start in safe mode and run `verifier /reset`; or
          `reg load HKLM\\BROKEN D:\\Windows\\System32\\config\\SYSTEM`, then
          `reg delete "HKLM\\BROKEN\\ControlSet001\\Control\\Session Manager\\Memory Management" /v VerifyDrivers /f`,
          the same for VerifyDriverLevel;
          `reg unload HKLM\\BROKEN`. The set is the one that Select\\Default names.
"""

from __future__ import annotations

from collections.abc import Iterator

from bootmend.actions.registry import DeleteValue
from bootmend.findings import Evidence, Finding, Safety, Severity, Station
from bootmend.formats.hive import Value
from bootmend.texts import say
from bootmend.windows.installation import Windows

STATION = Station.SYSTEM_DRIVERS

DRIVER_VERIFIER = "driver-verifier"
"""The word for `--accept` that allows turning Driver Verifier off."""
_KEY = "Control\\Session Manager\\Memory Management"
_DRIVERS, _LEVEL = "VerifyDrivers", "VerifyDriverLevel"
_SHOWN = 200
"""Characters of the list of drivers that a report quotes."""


def check(windows: Windows) -> Iterator[Finding]:
    key = windows.control(_KEY)
    drivers, level = (key.value(name) if key is not None else None for name in (_DRIVERS, _LEVEL))
    named = " ".join(drivers.strings).strip() if drivers is not None else ""
    if drivers is None or not named or (level is not None and not any(level.data)):
        return
    path = f"{windows.control_set}\\{_KEY}"
    there = [(name, value) for name, value in ((_DRIVERS, drivers), (_LEVEL, level)) if value is not None]
    yield Finding(
        rule="driver_verifier",
        severity=Severity.RISK,
        subject=_DRIVERS,
        title=say("rules_storage.verifier_title"),
        why=say("rules_storage.verifier_why"),
        evidence=tuple(Evidence(f"SYSTEM\\{path}", f"{name}={_shown(name, value)}") for name, value in there),
        actions=tuple(
            DeleteValue(hive=windows.system_hive, key=path, name=name, safety=Safety.RISKY, risk=DRIVER_VERIFIER)
            for name, _ in there
        ),
    )


def _shown(name: str, value: Value) -> str:
    if name == _DRIVERS:
        return " ".join(value.strings)[:_SHOWN]
    return f"0x{int.from_bytes(value.data[:8], 'little'):x}"
