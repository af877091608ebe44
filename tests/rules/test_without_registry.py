"""A machine whose SYSTEM hive cannot be read: what stands in files is asked all the same, the rest is said plainly."""

from __future__ import annotations

import pytest
from store_changes import fault
from strange_machines import SYSTEM, Strange, strange

from bootmend.findings import Severity
from bootmend.rules import all_rules

SYSTEM32 = "\\Windows\\System32"


def unread(odd: Strange) -> None:
    odd.volume(lambda files: files.write_in_place(SYSTEM, 0, bytes(4096)))


def causes(odd: Strange) -> list[str]:
    return [one.rule for one in odd.diagnose().causes]


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        (f"{SYSTEM32}\\winload.efi", "boot_file_missing"),
        (f"{SYSTEM32}\\ntoskrnl.exe", "boot_file_missing"),
        (f"{SYSTEM32}\\ci.dll", "boot_file_missing"),
    ],
)
def test_a_boot_file_that_is_gone_too(name: str, rule: str) -> None:
    with strange() as odd:
        odd.volume(lambda files: files.delete(name))
        unread(odd)
        found = odd.diagnose()
        assert {one.rule for one in found.causes} == {"hive_unreadable", rule}
        proposal = odd.propose()
        assert proposal.worth_doing
        assert [one.rule for one in proposal.causes_left] == ["hive_unreadable"]


def test_a_boot_file_that_is_damaged_too() -> None:
    with strange() as odd:
        odd.damage(f"{SYSTEM32}\\ntoskrnl.exe")
        unread(odd)
        assert set(causes(odd)) == {"hive_unreadable", "boot_file_damaged"}


def test_nothing_else_is_found_on_an_otherwise_healthy_machine() -> None:
    with strange() as odd:
        unread(odd)
        found = odd.diagnose()
        assert [one.rule for one in found.findings] == ["hive_unreadable"]
        note = next(note for note in found.notes if "not asked" in note)
        unasked = {rule.name for rule in all_rules().values()} - found.asked
        assert unasked
        assert all(name in note for name in unasked)
        assert "catalog_missing" in unasked
        assert not unasked & {"boot_file_missing", "pending_servicing", "crowdstrike_291", "bcd_device"}


@pytest.mark.parametrize("length", [8192, 100_000, 180_000])
def test_a_hive_that_is_cut_off_is_the_one_cause(length: int) -> None:
    """What is lacking in the part that is left says nothing of the machine."""
    with strange() as odd:
        data = odd.read(SYSTEM)
        assert length < len(data)
        odd.volume(lambda files: files.replace(SYSTEM, data[:length]))
        found = odd.diagnose()
        assert [(one.rule, one.subject) for one in found.findings] == [("hive_unreadable", "SYSTEM")]
        assert any("not asked" in note for note in found.notes)
        assert odd.propose().rehearsal is None


@pytest.mark.parametrize(("start", "length"), [(65536, 16384), (243_712, 243_712)])
def test_so_is_one_that_has_lost_a_part_inside(start: int, length: int) -> None:
    with strange() as odd:
        odd.volume(lambda files: files.write_in_place(SYSTEM, start, bytes(length)))
        found = odd.diagnose()
        assert [(one.rule, one.severity) for one in found.findings] == [("hive_unreadable", Severity.CAUSE)]
        assert found.prediction is not None
        assert odd.propose().rehearsal is None


def test_a_bin_that_is_none_alone_is_a_risk_and_the_rest_is_asked() -> None:
    with strange() as odd:
        at = odd.read(SYSTEM).index(b"hbin", 400_000)
        odd.volume(lambda files: files.write_in_place(SYSTEM, at, b"XXXX"))
        found = odd.diagnose()
        assert [(one.rule, one.severity) for one in found.findings] == [("hive_unreadable", Severity.RISK)]
        assert found.asked == set(all_rules())


def test_the_channel_file_is_told_though_no_sensor_can_be_seen() -> None:
    with strange() as odd:
        fault(odd, "crowdstrike-291")
        unread(odd)
        told = [one for one in odd.diagnose().findings if one.rule == "crowdstrike_291"]
        assert [one.severity for one in told] == [Severity.RISK]
        assert "cannot be told" in told[0].why


def test_a_queue_of_servicing_is_told() -> None:
    with strange() as odd:
        fault(odd, "pending-servicing")
        unread(odd)
        told = [one for one in odd.diagnose().findings if one.rule == "pending_servicing"]
        assert [one.severity for one in told] == [Severity.NOTE]
