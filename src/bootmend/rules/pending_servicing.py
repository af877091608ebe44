"""An update that was to be finished at the next start does not get finished.

Symptom:  the machine stays at "Working on updates", "Undoing changes made to your computer" or "Getting Windows
          ready", restarts, and comes back to the same screen; startup repair looks at it in between.
Cause:    the session manager works through WinSxS\\pending.xml before anything else starts, and does not get
          to its end: its files are damaged, or the power went while it ran.
Evidence: pending.xml and the command in SetupExecute that runs it; the keys PackagesPending, RebootPending and
          RebootInProgress of Component Based Servicing; values in COMPONENTS. That starts failed since: startup
          repair's own log or the event log, after the queue was written and after the last good start.
          Without such a witness it is a note: a machine that waits for its restart looks the same and is well.
          A queue that is empty or cut off is a risk.
Repair:   with --accept abandon-update: pending.xml gets another name, its command leaves SetupExecute, and the
          marks are deleted. The update is not installed then; Windows offers it again.
Not done: packages are not removed, files that the update has replaced already stay, SessionsPending is
          history and stays, and the logs in config\\TxR are not touched. Windows' own way back, DISM
          /Cleanup-Image /RevertPendingActions, knows more and comes first where it can be run.
By hand:  in the recovery environment: dism /image:C:\\ /cleanup-image /revertpendingactions; if that fails,
          rename C:\\Windows\\WinSxS\\pending.xml and delete the marks in the hives.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bootmend.actions.registry import DeleteKey, DeleteValue
from bootmend.actions.rename_file import RenameFile
from bootmend.errors import InputError
from bootmend.findings import (
    Action,
    Confidence,
    Evidence,
    Finding,
    Prediction,
    Safety,
    Screen,
    Severity,
    Skipped,
    Station,
)
from bootmend.formats.filetime import shown
from bootmend.rules._values import set_strings
from bootmend.texts import say
from bootmend.windows.installation import Windows
from bootmend.windows.prediction import predict_screen
from bootmend.windows.servicing import (
    PENDING,
    SERVICING,
    SESSION_MANAGER,
    SETUP_EXECUTE,
    PendingWork,
    components_hive,
    evidence,
    pending_work,
    software_hive,
)
from bootmend.windows.witnesses.observation import Observation

STATION = Station.SERVICING
NEEDS_REGISTRY = False

RISK = "abandon-update"
_END = re.compile(rb">\s*\Z")
_TAIL = 256


def check(windows: Windows) -> Iterator[Finding]:
    try:
        work = pending_work(windows)
    except InputError as reason:
        yield _finding(PENDING, Severity.NOTE, "unseen", [Evidence(windows.where(PENDING), str(reason))])
        return
    if not work:
        return
    failed = _failed_since(windows, work)
    signs = evidence(windows, work)
    if work.runs_at_start and failed:
        signs.extend(Evidence(one.where, f"{shown(one.when or 0)}: {one.what}") for one in failed[-2:])
        yield _finding(PENDING, Severity.CAUSE, "stuck", signs, abandon(windows, work), _prediction())
    elif work.runs_at_start and not _whole(windows):
        yield _finding(PENDING, Severity.RISK, "cut", signs, abandon(windows, work))
    else:
        # Marks without a queue are another thing: they stay where SOFTWARE only reads after a repair.
        yield _finding(PENDING if work.queue is not None else SERVICING, Severity.NOTE, "waiting", signs)


def _failed_since(windows: Windows, work: PendingWork) -> list[Observation]:
    """Starts that failed after the queue was written, with none since that succeeded; only what counts."""
    line = windows.timeline
    queued = work.queue.modified if work.queue is not None else 0
    return [one for one in line.failed_since_start if line.recent(one) and queued and (one.when or 0) > queued]


def _whole(windows: Windows) -> bool:
    """The queue ends as XML does, in either of its encodings; one of zeros, or cut off, does not."""
    file = windows.image.volume(windows.volume).open(f"{windows.path}\\{PENDING}")
    tail = file.read(max(0, file.size - _TAIL), _TAIL)
    return _END.search(tail.replace(b"\0", b"")) is not None


def abandon(windows: Windows, work: PendingWork) -> list[Action]:
    """Every edit that makes the next start forget the queue, the file first."""
    actions: list[Action] = []
    safety = Safety.RISKY
    if work.queue is not None:
        path = f"{windows.path}\\{PENDING}"
        actions.append(
            RenameFile(volume=windows.volume, path=path, new_path=_free(windows, path), safety=safety, risk=RISK)
        )
    if work.runner is not None:
        key = f"{windows.control_set}\\{SESSION_MANAGER}"
        actions.append(set_strings(windows, key, SETUP_EXECUTE, work.kept(), risk=RISK))
    software, store = software_hive(windows), components_hive(windows)
    actions.extend(
        DeleteKey(hive=software, key=f"{SERVICING}\\{mark}", safety=safety, risk=RISK) for mark in work.marks
    )
    actions.extend(
        DeleteValue(hive=store, key="", name=value.name, safety=safety, risk=RISK) for value in work.store_marks
    )
    return actions


def _free(windows: Windows, path: str) -> str:
    """A name beside it that nothing has."""
    files = windows.image.volume(windows.volume)
    number = 0
    while files.exists(f"{path}.old{number or ''}"):
        number += 1
    return f"{path}.old{number or ''}"


def _prediction() -> Prediction:
    words = say("rules_witness.stuck_words")
    return predict_screen(Screen.STUCK, words, say("rules_witness.stuck_predict"), Confidence.MEDIUM)


def _finding(
    subject: str,
    severity: Severity,
    key: str,
    signs: list[Evidence],
    actions: list[Action] | None = None,
    prediction: Prediction | None = None,
) -> Finding:
    return Finding(
        rule="pending_servicing",
        severity=severity,
        subject=subject,
        title=say(f"rules_witness.pending_{key}_title"),
        why=say(f"rules_witness.pending_{key}_why"),
        evidence=tuple(signs),
        actions=tuple(actions or ()),
        skipped=()
        if actions
        else (Skipped(say("rules_witness.abandon"), say(f"rules_witness.pending_{key}_skipped")),),
        prediction=prediction,
    )
