"""CrowdStrike's channel file 291 of 2024-07-19, which crashes the Falcon sensor, is the one in use.

Symptom:  stop 0x50 PAGE_FAULT_IN_NONPAGED_AREA in csagent.sys (0x7E on some machines) at every start.
Cause:    the sensor reads the newest System32\\drivers\\CrowdStrike\\C-00000291*.sys. The one that was
          delivered on 2024-07-19 from 04:09 to 05:27 UTC makes it read outside its memory. The file
          is data, no driver: its signature is not the matter.
Evidence: the modified times of all C-00000291*.sys; the service of the sensor, which is loaded at boot.
Repair:   deletes the files of those 78 minutes, as CrowdStrike ("Statement on Falcon content update")
          and Microsoft (KB5042421) say. The sensor fetches a good one when it is next online.
Not done: where a file of 05:27 UTC or later stands beside them, that one is in use, and several are
          normal: nothing is found. Where no sensor is loaded at boot, the file is a risk, not a cause.
          Other channel files and the sensor itself are not touched.
By hand:  in safe mode or the recovery environment, delete C:\\Windows\\System32\\drivers\\CrowdStrike\\
          C-00000291*.sys, and start again.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from bootmend.actions.delete_file import DeleteFile
from bootmend.errors import InputError, Missing
from bootmend.findings import Confidence, Evidence, Finding, Prediction, Severity, Station
from bootmend.formats.filetime import filetime_of, shown
from bootmend.texts import say
from bootmend.volumes.volume import Entry
from bootmend.windows.installation import Windows
from bootmend.windows.prediction import predict_stop
from bootmend.windows.service import Service, Start

STATION = Station.SYSTEM_DRIVERS
NEEDS_REGISTRY = False

FOLDER = "System32\\drivers\\CrowdStrike"
NAME, SUFFIX = "c-00000291", ".sys"
RELEASED = filetime_of(datetime(2024, 7, 19, 4, 9, tzinfo=UTC))
REVERTED = filetime_of(datetime(2024, 7, 19, 5, 27, tzinfo=UTC))
"""The bad content was given out from RELEASED until before REVERTED; content of REVERTED or later is good."""


def check(windows: Windows) -> Iterator[Finding]:
    try:
        listed = windows.image.volume(windows.volume).listdir(f"{windows.path}\\{FOLDER}")
    except Missing:
        return
    except InputError as reason:
        yield _unseen(windows, reason)
        return
    files = [one for one in listed if not one.directory and _is_channel_291(one.name)]
    bad = [one for one in files if RELEASED <= one.modified < REVERTED]
    if not bad or any(one.modified >= REVERTED for one in files):
        return
    yield _finding(windows, bad)


def _is_channel_291(name: str) -> bool:
    return name.lower().startswith(NAME) and name.lower().endswith(SUFFIX)


def _sensor(windows: Windows) -> Service | None:
    """The Falcon sensor's driver, where Windows starts it by itself."""
    for service in windows.services.values() if windows.registry_fault is None else ():
        if service.is_driver and service.start in (Start.BOOT, Start.SYSTEM, Start.AUTO):
            path = windows.locate(service).path.lower()
            if path.endswith("\\drivers\\crowdstrike\\csagent.sys"):
                return service
    return None


def _finding(windows: Windows, bad: list[Entry]) -> Finding:
    sensor = _sensor(windows)
    folder = f"{windows.path}\\{FOLDER}"
    evidence = [
        Evidence(windows.where(f"{FOLDER}\\{one.name}"), say("rules_witness.channel_file", when=shown(one.modified)))
        for one in bad
    ]
    if sensor is not None:
        evidence.append(sensor.evidence())
    idle = "idle" if windows.registry_fault is None else "unknown"
    return Finding(
        rule="crowdstrike_291",
        severity=Severity.CAUSE if sensor is not None else Severity.RISK,
        subject=bad[0].name,
        title=say("rules_witness.crowdstrike_title", name=bad[0].name),
        why=say("rules_witness.crowdstrike_why" if sensor is not None else f"rules_witness.crowdstrike_why_{idle}"),
        evidence=tuple(evidence),
        actions=tuple(DeleteFile(volume=windows.volume, path=f"{folder}\\{one.name}") for one in bad),
        prediction=_prediction() if sensor is not None else None,
        rank=windows.load_ranks.get(sensor.name.lower(), 0) if sensor is not None else 0,
    )


def _prediction() -> Prediction:
    """Microsoft's KB5042421 names 0x50 and 0x7E for this file: which of them, no disk tells."""
    return predict_stop(0x50, say("rules_witness.crowdstrike_predict"), Confidence.MEDIUM, image="csagent.sys")


def _unseen(windows: Windows, reason: InputError) -> Finding:
    return Finding(
        rule="crowdstrike_291",
        severity=Severity.NOTE,
        subject=FOLDER,
        title=say("rules_witness.crowdstrike_unseen"),
        why=say("rules_witness.not_empty"),
        evidence=(Evidence(windows.where(FOLDER), str(reason)),),
    )
