"""The next crash would leave no dump.

Symptom:  none at boot; after a stop there is no MEMORY.DMP and no minidump, so that nobody can tell what happened.
Cause:    CrashDumpEnabled is 0; or there is no page file on a disk that stays (none at all, or only on a drive that is
          not on this disk, as Azure's temporary D:), and no DedicatedDumpFile takes its part.
Evidence: Control\\CrashControl (CrashDumpEnabled, DedicatedDumpFile) and PagingFiles of Memory Management.
Repair:   none by itself: bootmend enable DISK crash-dump sets all that a dump takes, and bootmend disable takes it
          back.
Not done: whether the page file is large enough is not judged: how much memory the machine has is not on its disk. A
          value that is missing is Windows' own default. Nothing is said of drives that are on this disk.
By hand:  system properties, startup and recovery; or
          `reg load HKLM\\BROKEN D:\\Windows\\System32\\config\\SYSTEM`, then
          `reg add HKLM\\BROKEN\\ControlSet001\\Control\\CrashControl /v CrashDumpEnabled /t REG_DWORD /d 7 /f`,
          `reg unload HKLM\\BROKEN`. The set is the one that Select\\Default names.
"""

from __future__ import annotations

from collections.abc import Iterator

from bootmend.findings import Evidence, Finding, Severity, Skipped, Station
from bootmend.formats.hive import Key
from bootmend.texts import say
from bootmend.windows.installation import Windows
from bootmend.windows.page_files import ANY_DRIVE, CRASH_CONTROL, MEMORY, page_files

STATION = Station.AFTERWARDS


def check(windows: Windows) -> Iterator[Finding]:
    crash, memory = windows.control(CRASH_CONTROL), windows.control(MEMORY)
    if crash is None or memory is None:
        return
    enabled = crash.value("CrashDumpEnabled")
    if enabled is not None and len(enabled.data) == 4 and enabled.number == 0:
        yield _finding(windows, CRASH_CONTROL, "CrashDumpEnabled=0", say("rules_storage.dump_off"))
        return
    if _text(crash, "DedicatedDumpFile") or memory.value("PagingFiles") is None:
        return
    files = page_files(memory, windows.volume_names)
    if not files:
        yield _finding(windows, MEMORY, "PagingFiles=", say("rules_storage.dump_no_page_file"))
    elif all(one.volume is None and one.drive != ANY_DRIVE for one in files):
        drives = ", ".join(dict.fromkeys(one.drive for one in files))
        shown = " ".join(f"{one.drive}{one.path}" for one in files)
        yield _finding(windows, MEMORY, f"PagingFiles={shown}", say("rules_storage.dump_elsewhere", drives=drives))


def _finding(windows: Windows, path: str, seen: str, why: str) -> Finding:
    return Finding(
        rule="crash_dump_impossible",
        severity=Severity.NOTE,
        subject="CrashControl",
        title=say("rules_storage.dump_title"),
        why=why,
        evidence=(Evidence(f"SYSTEM\\{windows.control_set}\\{path}", seen),),
        skipped=(Skipped(say("rules_storage.dump_enable"), say("rules_storage.dump_enable_how")),),
    )


def _text(key: Key, name: str) -> str:
    value = key.value(name)
    return value.text if value is not None else ""
