"""Damage that hides other damage: one repair mends what its own edits bring to light."""

from __future__ import annotations

import pytest
from store_changes import fault
from strange_machines import DRIVERS, strange

from bootmend.findings import Severity


@pytest.mark.parametrize("generation", [1, 2])
def test_a_path_that_can_be_set_once_the_loader_is_back(generation: int) -> None:
    with strange(generation) as odd:
        fault(odd, "bcd-path-nowhere+boot-file-missing-loader")
        causes = {one.rule: one for one in odd.diagnose().causes}
        assert set(causes) == {"bcd_path", "boot_file_missing"}
        assert causes["bcd_path"].actions == ()
        proposal = odd.mended()
        assert {one.rule for one in proposal.plan.findings} == set(causes)


def test_only_one_rule_stays_one_rule() -> None:
    with strange() as odd:
        fault(odd, "bcd-path-nowhere+boot-file-missing-loader")
        proposal = odd.propose(only=["boot_file_missing"])
        assert {one.rule for one in proposal.plan.findings} == {"boot_file_missing"}
        assert [one.rule for one in proposal.causes_left] == ["bcd_path"]


def test_a_folder_of_drivers_that_is_gone() -> None:
    """What the lost drivers import is missed only when they are back."""
    with strange() as odd:
        odd.volume(lambda files: files.rename(DRIVERS, f"{DRIVERS}-lost"))
        before = odd.diagnose().findings
        proposal = odd.mended()
        assert proposal.rehearsal is not None
        assert [one for one in proposal.rehearsal.after.findings if one.severity is not Severity.NOTE] == []
        assert {one.key for one in proposal.plan.findings} > {one.key for one in before if one.actions}
