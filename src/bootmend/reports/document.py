"""The result as a document: the JSON of `diagnose`, `repair` and `undo`, schema bootmend.result/1.

Keys are a promise to other programs: add freely, rename nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import copy
from datetime import UTC, datetime
from typing import Any

from bootmend import __version__
from bootmend.commit import CommitReport
from bootmend.disk.device import BlockDevice, Traffic
from bootmend.errors import InputError
from bootmend.findings import Action, Finding, Prediction, Skipped
from bootmend.formats.filetime import moment
from bootmend.repair import Diagnosis, Proposal
from bootmend.reports.crash import borne_out_finding, crash_sentences
from bootmend.windows.installation import Windows
from bootmend.windows.witnesses.observation import Observation

SCHEMA = "bootmend.result/1"
MOST_OBSERVATIONS = 500
"""Of the timeline, the newest."""

Document = dict[str, Any]


def stamp(when: datetime) -> str:
    """ISO 8601 in UTC, to the second."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def head(command: str, started: datetime, seconds: float) -> Document:
    """What every document begins with."""
    return {
        "schema": SCHEMA,
        "bootmend": __version__,
        "command": command,
        "started": stamp(started),
        "seconds": round(seconds, 3),
    }


def disk(device: BlockDevice, diagnosis: Diagnosis) -> Document:
    table = diagnosis.image.table
    return {
        "source": device.name,
        "container": device.container,
        "size": device.size,
        "table": table.kind,
        "id": table.disk_id,
        "bytes_read": diagnosis.bytes_read,
        **moved(device.traffic),
    }


def moved(traffic: Traffic | None) -> Document:
    """What went over the network for a disk behind a URL; nothing for other disks."""
    if traffic is None:
        return {}
    return {"bytes_moved": traffic.received + traffic.sent, "requests": traffic.requests, "retries": traffic.retries}


def windows(found: Windows) -> Document:
    """One installation; what its hives do not tell is an empty string or null."""
    chain = found.chain
    bcd = {"volume": chain.hive.volume, "path": chain.hive.path} if chain.hive is not None else None
    try:
        control_set, hostname = found.control_set, found.hostname
    except InputError:
        control_set, hostname = "", ""
    return {
        "volume": found.volume,
        "path": found.path,
        "product": found.version.product,
        "build": found.version.text,
        "control_set": control_set,
        "hostname": hostname,
        "boot": chain.firmware,
        "bcd": bcd,
    }


def prediction(predicted: Prediction | None) -> Document | None:
    if predicted is None:
        return None
    return {
        "screen": predicted.screen.value,
        "stop": f"0x{predicted.stop:X}" if predicted.stop is not None else None,
        "name": predicted.name,
        "status": f"0x{predicted.status:08X}" if predicted.status is not None else None,
        "image": predicted.image,
        "confidence": predicted.confidence.value,
        "why": predicted.why,
    }


def action(edit: Action) -> Document:
    return {
        "kind": edit.kind,
        "target": edit.target,
        "source": edit.source,
        **({"value": edit.value} if edit.value else {}),
        "safety": edit.safety.value,
        **({"risk": edit.risk} if edit.risk else {}),
    }


def skipped(items: Iterable[Skipped]) -> list[Document]:
    return [{"action": item.action, "reason": item.reason} for item in items]


def finding(found: Finding) -> Document:
    return {
        "rule": found.rule,
        "severity": found.severity.value,
        "subject": found.subject,
        "title": found.title,
        "why": found.why,
        "evidence": [{"where": item.where, "what": item.what} for item in found.evidence],
        "actions": [action(edit) for edit in found.actions],
        "skipped": skipped(found.skipped),
        "prediction": prediction(found.prediction),
    }


def observation(one: Observation) -> Document:
    """`when` is ISO 8601 in UTC, or null where the time is not known."""
    when = moment(one.when) if one.when is not None else None
    return {
        "when": stamp(when) if when is not None else None,
        "kind": one.kind.value,
        "what": one.what,
        "where": one.where,
    }


def crash(result: Diagnosis) -> Document | None:
    """What the newest dump on the disk tells; null where there is none."""
    seen = result.crash
    if seen is None:
        return None
    when, status = moment(seen.when), seen.verdict.status
    return {
        "where": seen.where,
        "time": stamp(when) if when is not None else None,
        "age": seen.age.value,
        "counts": seen.counts,
        "stop": f"0x{seen.code:X}",
        "name": seen.name,
        "status": f"0x{status:08X}" if status is not None else None,
        "image": seen.image or None,
        "bucket": seen.verdict.bucket or None,
        "finding": borne_out_finding(result),
        "told": list(crash_sentences(result)),
    }


def diagnosis(device: BlockDevice, result: Diagnosis, started: datetime) -> Document:
    """The document of `diagnose`."""
    return {
        **head("diagnose", started, result.seconds),
        "disk": disk(device, result),
        # Of others a copy is asked, so that their hives are not kept.
        "windows": [windows(result.windows), *(windows(copy(found)) for found in result.others)],
        "prediction": prediction(result.prediction),
        "stops_at": result.stops_at.name.lower() if result.stops_at is not None else None,
        "findings": [finding(found) for found in result.findings],
        "notes": result.notes,
        "dump": crash(result),
        "timeline": [observation(one) for one in result.timeline.observations[-MOST_OBSERVATIONS:]],
        "rehearsal": None,
        "commit": None,
        "healthy": result.healthy,
    }


def commit(report: CommitReport | None) -> Document | None:
    if report is None:
        return None
    return {
        "journal": str(report.journal) if report.journal is not None else None,
        "patches": report.patches,
        "bytes": report.bytes,
        "verified": report.verified,
    }


def repair(
    device: BlockDevice,
    proposal: Proposal,
    report: CommitReport | None,
    seconds: float,
    extra_notes: Sequence[str] = (),
) -> Document:
    """The document of `repair`: what was found, what was planned, how the rehearsal went, what was written."""
    rehearsal = proposal.rehearsal
    healthy = not proposal.causes_left if report is not None else proposal.diagnosis.healthy
    return {
        **diagnosis(device, proposal.diagnosis, proposal.started),
        **head("repair", proposal.started, seconds),
        "notes": [*proposal.diagnosis.notes, *extra_notes],
        "plan": [action(edit) for edit in proposal.plan.actions],
        "skipped": skipped([*proposal.plan.skipped, *proposal.dropped]),
        "rehearsal": {
            "ran": rehearsal is not None,
            "silent": rehearsal.silent if rehearsal is not None else None,
            "new_findings": [finding(found) for found in rehearsal.new] if rehearsal is not None else [],
            "changed_bytes": rehearsal.changed_bytes if rehearsal is not None else 0,
        },
        "commit": commit(report),
        "healthy": healthy,
    }
