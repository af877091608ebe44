"""Transaction logs of the registry are touched only where servicing says that they are full, and lately."""

from __future__ import annotations

import pytest
from one_look import look
from strange_machines import Strange, strange

from bootmend.findings import Finding, Severity
from bootmend.rules.txr_logs import check
from bootmend.volumes.ntfs import NtfsVolume

TXR, LOG = "\\Windows\\System32\\config\\TxR", "\\Windows\\Logs\\CBS\\CBS.log"


def findings(odd: Strange) -> list[Finding]:
    return look(odd, lambda windows: list(check(windows)))


def prepare(odd: Strange, line: str, *names: str) -> None:
    def change(files: NtfsVolume) -> None:
        for name in names:
            files.create(f"{TXR}\\{name}", bytes(4096))
        files.replace(LOG, files.read(LOG) + f"{line}\r\n".encode())

    odd.volume(change)


FULL = "2024-02-17 21:04:11, Error  CBS  Failed [HRESULT = 0x800719e4 - ERROR_LOG_FULL]"


@pytest.mark.parametrize(
    "line",
    [
        "2024-02-17 21:04:11, Info  CBS  all is well",
        FULL.replace("2024-02", "2023-11"),  # long over
        FULL.replace("0x800719e4 - ERROR_LOG_FULL", "0x80073712 - ERROR_SXS_COMPONENT_STORE_CORRUPT"),
    ],
    ids=["well", "old", "other"],
)
def test_without_a_late_mark_nothing_is_said(line: str) -> None:
    with strange() as odd:
        prepare(odd, line, "{1}.TM.blf", "{1}.TxR.0.regtrans-ms")
        assert findings(odd) == []


def test_a_mark_without_logs_is_nothing() -> None:
    with strange() as odd:
        prepare(odd, FULL)
        assert findings(odd) == []


def test_only_logs_are_deleted_and_only_on_request() -> None:
    with strange() as odd:
        prepare(odd, FULL, "{1}.TM.blf", "{1}.TxR.0.REGTRANS-MS", "keep.txt")
        odd.volume(lambda files: files.mkdir(f"{TXR}\\folder.blf"))
        (found,) = findings(odd)
        assert found.severity is Severity.RISK
        assert found.prediction is None
        assert [(one.kind, one.target.rsplit("\\", 1)[-1], one.risk) for one in found.actions] == [
            ("delete_file", "{1}.TM.blf", "txr-logs"),
            ("delete_file", "{1}.TxR.0.REGTRANS-MS", "txr-logs"),
        ]
        assert any("0x800719e4" in evidence.what for evidence in found.evidence)
        assert odd.propose().rehearsal is None
        proposal = odd.propose(accept=["txr-logs"])
        assert proposal.worth_doing
        assert proposal.rehearsal is not None
        after = Strange(proposal.rehearsal.overlay, odd.given, odd.number, odd.manifest)
        assert after.read(f"{TXR}\\keep.txt") == bytes(4096)
        assert findings(after) == []
