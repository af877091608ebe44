"""An update's queue: a cause where starts have failed since, a risk where it is cut off, else a note."""

from __future__ import annotations

import pytest
from strange_machines import SOFTWARE, Strange, strange

from bootmend.findings import Finding, Severity
from bootmend.formats.hive import HiveEditor, ValueType, multi_sz
from bootmend.lab.event_log import LabEvent, add_events
from bootmend.lab.logs import COMPUTER, LOGS, at
from bootmend.lab.pending_update import PENDING, QUEUED, REPAIR_LOG
from bootmend.rules.pending_servicing import check
from bootmend.volumes.ntfs import NtfsVolume
from bootmend.windows.discovery import find_windows
from bootmend.windows.image import Image
from bootmend.windows.servicing import SERVICING

COMPONENTS = "\\Windows\\System32\\config\\COMPONENTS"
MANAGER = "ControlSet001\\Control\\Session Manager"


def spoken(odd: Strange) -> list[Finding]:
    image = Image(odd.disk)
    try:
        return list(check(find_windows(image, odd.given)[0]))
    finally:
        image.close()


def severity(odd: Strange) -> Severity:
    (found,) = spoken(odd)
    assert bool(found.actions) == (found.severity is not Severity.NOTE)
    assert bool(found.prediction) == (found.severity is Severity.CAUSE)
    return found.severity


def dated(odd: Strange, path: str, when: str) -> None:
    odd.volume(lambda files: files.set_times(path, *[at(when)] * 3))


def run(odd: Strange, *commands: str) -> None:
    data = multi_sz(list(commands))
    odd.hive(lambda editor: editor.set_value(MANAGER, "SetupExecute", ValueType.MULTI_SZ, data))


def test_failed_starts_make_it_a_cause() -> None:
    with strange(2, "pending-servicing") as odd:
        assert severity(odd) is Severity.CAUSE


@pytest.mark.parametrize(
    ("when", "wanted"),
    [("2024-02-18 18:55:01", Severity.CAUSE), (QUEUED, Severity.NOTE), ("2024-02-18 18:54:59", Severity.NOTE)],
)
def test_only_starts_after_the_queue_was_written_count(when: str, wanted: Severity) -> None:
    with strange(2, "pending-servicing") as odd:
        dated(odd, REPAIR_LOG, when)
        assert severity(odd) is wanted


@pytest.mark.parametrize(
    ("when", "wanted"), [("2024-02-18 20:39:59", Severity.CAUSE), ("2024-02-18 20:40:01", Severity.NOTE)]
)
def test_a_start_that_succeeded_since_takes_it_back(when: str, wanted: Severity) -> None:
    with strange(2, "pending-servicing") as odd:
        path = f"{LOGS}\\System.evtx"
        log = add_events(odd.read(path), [LabEvent(at(when), "EventLog", 6005, {"1": ""})], COMPUTER)
        odd.volume(lambda files: files.replace(path, log))
        assert severity(odd) is wanted


def test_a_failure_that_is_long_over_is_none() -> None:
    with strange(2, "pending-servicing") as odd:
        dated(odd, PENDING, "2024-01-01 00:00:00")
        dated(odd, REPAIR_LOG, "2024-01-02 00:00:00")
        path = f"{LOGS}\\System.evtx"
        odd.volume(lambda files: files.delete(path))
        assert severity(odd) is Severity.NOTE


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (b"", Severity.RISK),
        (bytes(4096), Severity.RISK),
        (b"<PendingTransaction><Set", Severity.RISK),
        (b"<PendingTransaction></PendingTransaction>\r\n", Severity.NOTE),
        ("\ufeff<PendingTransaction/>\r\n".encode("utf-16-le"), Severity.NOTE),
    ],
)
def test_a_queue_that_is_cut_off_is_a_risk(content: bytes, wanted: Severity) -> None:
    with strange(2, "pending-servicing-waits") as odd:
        odd.volume(lambda files: files.replace(PENDING, content))
        assert severity(odd) is wanted


def test_a_queue_that_nobody_runs_and_a_command_without_a_queue_wait() -> None:
    with strange(2, "pending-servicing") as odd:
        run(odd, "setupcl.exe")
        assert severity(odd) is Severity.NOTE
    with strange(2, "pending-servicing") as odd:
        odd.volume(lambda files: files.delete(PENDING))
        assert severity(odd) is Severity.NOTE


def test_a_settled_machine_is_not_spoken_of() -> None:
    with strange(2) as odd:
        assert spoken(odd) == []
        odd.hive(lambda editor: editor.create_key(f"{SERVICING}\\SessionsPending\\1"), SOFTWARE)
        odd.hive(lambda editor: editor.set_value("", "StoreDirty", ValueType.DWORD, b"\1\0\0\0"), COMPONENTS)
        assert spoken(odd) == []


@pytest.mark.parametrize("mark", ["PackagesPending", "RebootPending", "RebootInProgress"])
def test_one_mark_alone_is_a_note(mark: str) -> None:
    with strange(2) as odd:
        odd.hive(lambda editor: editor.create_key(f"{SERVICING}\\{mark}"), SOFTWARE)
        assert severity(odd) is Severity.NOTE


def test_what_is_abandoned_and_what_stays() -> None:
    with strange(2, "pending-servicing") as odd:
        run(odd, "setupcl.exe", "%SystemRoot%\\System32\\POQEXEC.EXE /display_progress x")
        odd.volume(lambda files: files.create(f"{PENDING}.old", b"an older one"))
        proposal = odd.propose(accept=["abandon-update"])
        assert proposal.rehearsal is not None
        assert proposal.worth_doing
        image = Image(proposal.rehearsal.overlay)
        try:
            windows = find_windows(image, odd.given)[0]
            files = image.volume(odd.number)
            assert not files.exists(PENDING)
            assert files.read(f"{PENDING}.old") == b"an older one"
            assert b"PendingTransaction" in files.read(f"{PENDING}.old1")
            manager = windows.control("Control\\Session Manager")
            assert manager is not None
            runs = manager.value("SetupExecute")
            assert runs is not None
            assert runs.strings == ["setupcl.exe"]
        finally:
            image.close()


def test_without_its_store_the_rest_is_abandoned() -> None:
    def lose(files: NtfsVolume) -> None:
        files.replace(COMPONENTS, b"no hive at all")

    with strange(2, "pending-servicing") as odd:
        odd.volume(lose)
        (found,) = spoken(odd)
        assert found.severity is Severity.CAUSE
        assert not any("COMPONENTS" in action.target for action in found.actions)
        assert any("COMPONENTS" in one.where for one in found.evidence)


def test_values_that_say_nothing_stay() -> None:
    with strange(2, "pending-servicing") as odd:

        def settle(editor: HiveEditor) -> None:
            editor.set_value("", "ExecutionState", ValueType.DWORD, bytes(4))

        odd.hive(settle, COMPONENTS)
        (found,) = spoken(odd)
        named = [action.target.rsplit(" ", 1)[1] for action in found.actions if "COMPONENTS" in action.target]
        assert named == ["PendingXmlIdentifier"]


def test_marks_that_only_show_after_another_repair_do_not_undo_this_one() -> None:
    with strange(2, "pending-servicing+hive-unreadable") as odd:
        proposal = odd.propose(accept=["abandon-update", "regback"])
        assert proposal.worth_doing
        assert proposal.causes_left == []
        assert proposal.dropped == []
