"""Drivers that somebody signed whom the kernel does not trust: which are replaced, and which are only told."""

from __future__ import annotations

from pathlib import Path

from one_look import look
from strange_machines import DRIVERS, Strange, strange

from bootmend.findings import Finding, Severity
from bootmend.lab.authority import LabAuthority
from bootmend.lab.pe_maker import make_driver
from bootmend.lab.signer import sign_image
from bootmend.rules.driver_untrusted import check
from bootmend.signing.roots import Trust
from bootmend.volumes.ntfs import NtfsVolume
from bootmend.windows.donor import FolderDonor, Given


def replace(odd: Strange, name: str, *, everywhere: bool = False) -> None:
    """A file signed by a stranger in the driver's place, and in that of its copies."""
    image = make_driver(name, version="0.0.1.0", description="home-made", company="somebody")
    data = sign_image(image, LabAuthority.ephemeral("somebody else").vendor)
    facts = odd.facts(name)
    paths = facts.everywhere if everywhere else (facts.path,)

    def change(files: NtfsVolume) -> None:
        for path in paths:
            files.delete(path)
            files.create(path, data)

    odd.volume(change)


def findings(odd: Strange) -> list[Finding]:
    return look(odd, lambda windows: list(check(windows)))


def test_two_of_one_signer_are_both_put_back() -> None:
    with strange() as odd:
        replace(odd, "filecrypt.sys")
        replace(odd, "mountmgr.sys")
        found = findings(odd)
        assert {one.subject.lower() for one in found} == {"filecrypt.sys", "mountmgr.sys"}
        assert all(one.severity is Severity.CAUSE and one.actions and not one.skipped for one in found)
        odd.mended()


def test_without_a_copy_it_is_told_with_the_reason_and_a_donor_mends_it(tmp_path: Path) -> None:
    with strange() as odd:
        whole = odd.read(odd.facts("filecrypt.sys").path)
        replace(odd, "filecrypt.sys", everywhere=True)
        (one,) = findings(odd)
        assert one.actions == ()
        assert one.severity is Severity.CAUSE
        assert len(one.skipped) > 1  # the root, and each copy that was looked at
        (tmp_path / "filecrypt.sys").write_bytes(whole)
        odd.donors(FolderDonor(tmp_path))
        odd.mended()


def test_what_windows_starts_without_stays_what_its_signer_made() -> None:
    with strange() as odd:
        odd.service("filecrypt", ErrorControl=1)
        replace(odd, "filecrypt.sys")
        (one,) = findings(odd)
        assert (one.severity, one.actions) == (Severity.RISK, ())


def test_where_nothing_is_trusted_nothing_is_replaced() -> None:
    with strange() as odd:
        odd.given = Given(Trust([]))
        found = findings(odd)
        assert found
        assert all(one.actions == () for one in found)


def test_two_services_of_one_file_replace_it_once() -> None:
    with strange() as odd:
        replace(odd, "filecrypt.sys")
        odd.service("filecrypt2", Start=1, Type=2, ErrorControl=3, ImagePath=f"\\??\\C:{DRIVERS}\\filecrypt.sys")
        (one,) = findings(odd)
        assert len(one.actions) == 1
        odd.mended()
