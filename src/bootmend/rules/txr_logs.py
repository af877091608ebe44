"""The registry's transaction logs are full, and servicing fails for want of room in them.

Symptom:  updates that are taken back at each start ("Undoing changes made to your computer"), or a start that
          stays at "Getting Windows ready"; in CBS.log 0x800719e4 ERROR_LOG_FULL.
Cause:    the logs of kernel transactions on the registry (config\\TxR: *.blf, *.regtrans-ms) have no room left, and
          nothing that is still open lets Windows empty them.
Evidence: the mark in CBS.log, not older than 30 days before the last try to start, and the logs.
Repair:   on request (--accept txr-logs): the logs are deleted; Windows makes new ones at its next start. A
          transaction that was open in them is lost as a whole, as if it had never begun.
Not done: without that mark nothing is touched, however large the logs are; a machine that only waits for its
          restart is left alone. Only .blf and .regtrans-ms in config\\TxR itself are deleted, no other file.
By hand:  del /a C:\\Windows\\System32\\config\\TxR\\*.blf and *.regtrans-ms, offline.

Sources:  "Kernel Transaction Manager", "Common Log File System" (Microsoft); 0x800719E4 is ERROR_LOG_FULL among
          Microsoft's system error codes.
"""

from __future__ import annotations

from collections.abc import Iterator

from bootmend.actions.delete_file import DeleteFile
from bootmend.errors import InputError
from bootmend.findings import Evidence, Finding, Safety, Severity, Station
from bootmend.formats.filetime import shown
from bootmend.texts import say
from bootmend.windows.installation import Windows
from bootmend.windows.witnesses.observation import Kind, Observation

STATION = Station.SERVICING
NEEDS_REGISTRY = False

TXR = "System32\\config\\TxR"
TXR_LOGS = "txr-logs"
"""The word for `--accept` that allows to delete them."""
SUFFIXES = (".blf", ".regtrans-ms")
FULL = ("0x800719e4", "error_log_full", "status_log_full")
MOST_LOGS = 200


def check(windows: Windows) -> Iterator[Finding]:
    marks = [one for one in windows.timeline.observations if _says_full(one) and windows.timeline.recent(one)]
    logs = _logs(windows) if marks else []
    if not logs:
        return
    folder = windows.where(TXR)
    yield Finding(
        rule="txr_logs",
        severity=Severity.RISK,
        subject="TxR",
        title=say("rules_kernel.txr_title", count=len(logs)),
        why=say("rules_kernel.txr_why"),
        evidence=(
            *(Evidence(one.where, f"{shown(one.when or 0)}: {one.what}") for one in marks[-3:]),
            Evidence(folder, say("rules_kernel.txr_there", count=len(logs))),
        ),
        actions=tuple(
            DeleteFile(volume=windows.volume, path=path, safety=Safety.RISKY, risk=TXR_LOGS) for path in logs
        ),
    )


def _says_full(one: Observation) -> bool:
    return one.kind is Kind.STORE and any(mark in one.what.lower() for mark in FULL)


def _logs(windows: Windows) -> list[str]:
    """Their paths; none where the folder cannot be listed."""
    folder = f"{windows.path}\\{TXR}"
    try:
        entries = windows.image.volume(windows.volume).listdir(folder)
    except InputError:
        return []
    names = [entry.name for entry in entries if not entry.directory and entry.name.lower().endswith(SUFFIXES)]
    return [f"{folder}\\{name}" for name in names[:MOST_LOGS]]
