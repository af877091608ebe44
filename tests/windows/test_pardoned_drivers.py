"""Boot options that let bad signatures pass: they are told and mended all the same, and vouch for nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from strange_machines import Strange, strange

from bootmend.findings import Confidence, Finding, Severity
from bootmend.lab.pe_image import AMD64
from bootmend.lab.pe_maker import make_driver
from bootmend.repair import Diagnosis
from bootmend.signing.roots import Trust
from bootmend.signing.verdict import Status, Verdict
from bootmend.windows.bootchain import read_boot_chain
from bootmend.windows.desk import Desk
from bootmend.windows.donor import FolderDonor, Given
from bootmend.windows.drivers import AuditedDriver, Trouble
from bootmend.windows.image import Image
from bootmend.windows.service import Location, Service

OPTIONS = {"nointegritychecks": 0x16000048, "testsigning": 0x16000049}


def besides_notes(found: Diagnosis) -> list[Finding]:
    """What was found, but for what is only told: that the option is on, what the event log says."""
    return [finding for finding in found.findings if finding.severity is not Severity.NOTE]


def switch_on(odd: Strange, option: str) -> None:
    image = Image(odd.disk)
    desk = Desk(image)
    chain = read_boot_chain(image)
    assert chain.hive is not None and chain.entry is not None
    editor = desk.store(chain.hive.volume, chain.hive.path).editor
    editor.set(chain.entry.id, OPTIONS[option], True)
    desk.save()
    image.close()


@pytest.mark.parametrize("fault", ["catalog-lost", "driver-unsigned"])
def test_without_integrity_checks_a_bad_driver_is_a_risk_and_is_mended(fault: str) -> None:
    """As the machine stands after the article's step 13, which current builds ignore."""
    with strange(2, fault) as odd:
        switch_on(odd, "nointegritychecks")
        found = odd.diagnose()
        assert [finding.severity for finding in besides_notes(found)] == [Severity.RISK]
        assert any(finding.rule == "code_integrity_off" for finding in found.findings)
        assert found.prediction is None
        rehearsal = odd.mended().rehearsal
        assert rehearsal is not None
        assert besides_notes(rehearsal.after) == []


def test_an_unsigned_file_of_a_donor_is_not_taken_because_integrity_is_not_checked(tmp_path: Path) -> None:
    with strange(2, "driver-damaged-everywhere") as odd:
        switch_on(odd, "nointegritychecks")
        (damaged,) = besides_notes(odd.diagnose())
        foreign = make_driver(
            damaged.subject, version="10.0.20348.1", description="?", company="nobody", machine=AMD64, seed=7
        )
        (tmp_path / damaged.subject).write_bytes(foreign)
        odd.donors(FolderDonor(tmp_path))
        (still,) = besides_notes(odd.diagnose())
        assert still.actions == ()
        assert any(str(tmp_path) in skipped.action for skipped in still.skipped)


def test_test_signed_drivers_of_a_test_machine_are_no_cause() -> None:
    with strange(2) as odd:
        odd.given = Given(Trust())
        assert not odd.diagnose().healthy
        switch_on(odd, "testsigning")
        found = odd.diagnose()
        assert found.healthy
        assert {finding.rule for finding in besides_notes(found)} == {"driver_untrusted", "boot_file_untrusted"}


@pytest.mark.parametrize(
    ("status", "refused", "confidence", "stops"),
    [
        (Status.UNTRUSTED, True, Confidence.HIGH, True),
        (Status.EXPIRED, True, Confidence.LOW, False),
        (Status.UNTRUSTED, False, Confidence.MEDIUM, False),
    ],
)
def test_only_a_sure_refusal_stops_the_boot(status: Status, refused: bool, confidence: Confidence, stops: bool) -> None:
    service = Service("x", "x", 1, 1, 3, "", None, "")
    verdict = Verdict(status, 0xC0000428, kernel_would_refuse=refused, confidence=confidence)
    driver = AuditedDriver(service, Location(1, "\\x.sys"), None, verdict, Trouble.UNTRUSTED)
    assert driver.stops_the_boot is stops
