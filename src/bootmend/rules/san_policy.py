"""Disks that this Windows has not seen before stay offline.

Symptom:  the machine starts, but its data disks are missing, and so services that need them fail; after a move to
          another machine or cloud every disk but the boot disk is new.
Cause:    Services\\partmgr\\Parameters\\SanPolicy is 3 (offline all) or 4 (offline internal).
Evidence: the value, and what shows that this is a virtual machine of Hyper-V.
Repair:   with --accept san-policy, sets it to 1 (online all), which Microsoft's repair scripts for Azure do.
Not done: it is a risk, not a cause: Microsoft documents that the boot disk is left online under this policy. On a
          machine that shows no sign of Hyper-V it is only noted: servers that share disks need it. 4 is what
          Windows To Go has, and is right there.
By hand:  diskpart: `san policy=onlineall`; or `reg load HKLM\\BROKEN D:\\Windows\\System32\\config\\SYSTEM`, then
          `reg add HKLM\\BROKEN\\ControlSet001\\Services\\partmgr\\Parameters /v SanPolicy /t REG_DWORD /d 1 /f`,
          `reg unload HKLM\\BROKEN`. The set is the one that Select\\Default names.
"""

from __future__ import annotations

from collections.abc import Iterator

from bootmend.findings import Evidence, Finding, Severity, Station
from bootmend.rules._values import set_number
from bootmend.texts import say
from bootmend.windows.installation import Windows

STATION = Station.AFTERWARDS

SAN_POLICY = "san-policy"
"""The word for `--accept` that allows bringing new disks online."""
_KEY = "Services\\partmgr\\Parameters"
ONLINE_ALL, OFFLINE_ALL, OFFLINE_INTERNAL = 1, 3, 4


def check(windows: Windows) -> Iterator[Finding]:
    policy = _number(windows, _KEY, "SanPolicy")
    to_go = _number(windows, "Control", "PortableOperatingSystem") == 1
    if policy not in (OFFLINE_ALL, OFFLINE_INTERNAL) or (policy == OFFLINE_INTERNAL and to_go):
        return
    path = f"{windows.control_set}\\{_KEY}"
    guest = windows.boot_disk.hyper_v
    yield Finding(
        rule="san_policy",
        severity=Severity.RISK if guest is not None else Severity.NOTE,
        subject="SanPolicy",
        title=say("rules_storage.san_title", policy=policy),
        why=say("rules_storage.san_why"),
        evidence=(Evidence(f"SYSTEM\\{path}", f"SanPolicy={policy}"), *([guest] if guest is not None else [])),
        actions=(set_number(windows, path, "SanPolicy", ONLINE_ALL, risk=SAN_POLICY),) if guest is not None else (),
    )


def _number(windows: Windows, path: str, name: str) -> int | None:
    key = windows.control(path)
    value = key.value(name) if key is not None else None
    return value.number if value is not None and len(value.data) == 4 else None
