"""Imports that no library here resolves: which images matter, and the copies that mend it."""

from __future__ import annotations

import pytest
from one_look import look
from strange_machines import DRIVERS, Strange, strange

from bootmend.findings import Finding, Severity
from bootmend.lab.pe_maker import make_driver
from bootmend.rules.import_unresolved import check
from bootmend.volumes.ntfs import NtfsVolume


def findings(odd: Strange) -> list[Finding]:
    return look(odd, lambda windows: list(check(windows)))


def put(odd: Strange, path: str, data: bytes | None) -> None:
    def change(files: NtfsVolume) -> None:
        if files.exists(path):
            files.delete(path)
        if data is not None:
            files.create(path, data)

    odd.volume(change)


def older(odd: Strange, name: str = "storport.sys") -> str:
    """The library of setup's day in the place of today's. Its path."""
    facts = odd.facts(name)
    put(odd, facts.path, odd.read(facts.outdated))
    return facts.path


@pytest.mark.parametrize("generation", [1, 2])
def test_on_a_healthy_machine_every_import_resolves(generation: int) -> None:
    with strange(generation) as odd:
        assert findings(odd) == []
        assert look(odd, lambda windows: sum(driver.linkage is not None for driver in windows.audited)) > 100


def test_an_older_library_is_named_with_what_it_lacks() -> None:
    with strange() as odd:
        older(odd)
        found = findings(odd)
        assert {one.subject.lower() for one in found} == {"stornvme.sys", "storvsc.sys"}  # storahci is turned off
        first = next(one for one in found if one.subject.lower() == "stornvme.sys")
        assert first.severity is Severity.CAUSE
        assert "StorPortNotification" in first.evidence[0].what
        assert "storport.sys" in first.evidence[1].where.lower()
        assert first.prediction is not None
        assert first.prediction.status == 0xC0000263
        (action,) = first.actions
        assert (action.kind, action.risk) == ("replace_file", "")
        odd.mended()


def test_what_no_start_hangs_on_is_a_risk_or_a_note() -> None:
    with strange() as odd:
        older(odd, "CLASSPNP.SYS")
        odd.service("disk", Start=3)
        by_name = {one.subject.lower(): one for one in findings(odd)}
        assert by_name["cdrom.sys"].severity is Severity.NOTE  # system-start, ErrorControl 1
        assert by_name["cdrom.sys"].prediction is None
        odd.service("cdrom", Start=0)
        by_name = {one.subject.lower(): one for one in findings(odd)}
        assert by_name["cdrom.sys"].severity is Severity.RISK
        odd.service("cdrom", ErrorControl=3)
        by_name = {one.subject.lower(): one for one in findings(odd)}
        assert by_name["cdrom.sys"].severity is Severity.CAUSE


def test_the_disk_driver_is_a_cause_whatever_its_error_control() -> None:
    with strange() as odd:
        older(odd, "CLASSPNP.SYS")
        by_name = {one.subject.lower(): one for one in findings(odd)}
        service = look(odd, lambda windows: windows.services["disk"])
        assert not service.critical
        assert by_name["disk.sys"].severity is Severity.CAUSE


def test_without_a_copy_that_resolves_it_says_so() -> None:
    with strange() as odd:
        path = older(odd)
        for other in odd.facts("storport.sys").everywhere:
            if other != path:
                put(odd, other, None)
        found = findings(odd)
        assert all(one.actions == () and one.skipped for one in found)


def test_a_damaged_library_is_not_judged_by_its_exports() -> None:
    with strange() as odd:
        path = older(odd)
        odd.damage(path)
        assert findings(odd) == []


def vendor(odd: Strange, imports: dict[str, list[str]], **values: int) -> None:
    """A driver of a vendor's with those imports; testsigning's business is not this rule's."""
    name = "labbackup"
    put(
        odd,
        f"{DRIVERS}\\{name}.sys",
        make_driver(f"{name}.sys", version="1.0", description="", company="", imports=imports),
    )
    odd.service(name, **values)


def test_the_imports_of_a_file_that_nothing_vouches_for_are_not_believed() -> None:
    with strange() as odd:
        vendor(odd, {"nowhere.sys": ["Nothing"]})
        assert findings(odd) == []


def test_a_library_that_never_came_with_windows() -> None:
    """It is another driver's own: signed drivers that import from a program which is gone."""
    with strange() as odd:
        for other in odd.facts("WDFLDR.SYS").everywhere:
            put(odd, other, None)
        found = findings(odd)
        assert [(one.subject.lower(), one.severity) for one in found] == [("vmbus.sys", Severity.CAUSE)]
        assert found[0].skipped
        assert found[0].prediction is not None
        assert found[0].prediction.status == 0xC0000135
