"""The whole path on phony machines: named, predicted, repaired, silent, undone to the very same bytes."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest
from lab_machines import Broken, base, broken, donor

from bootmend.commit import commit, undo
from bootmend.disk.digest import data_digest
from bootmend.formats.hive import Hive
from bootmend.repair import Proposal, diagnose, propose
from bootmend.windows.donor import Given
from bootmend.windows.image import Image

FAULTS = (
    "catalog-lost",
    "catalog-store-lost",
    "driver-damaged",
    "driver-damaged-everywhere",
    "driver-missing",
    "driver-unsigned",
)
SYSTEM = "\\Windows\\System32\\config\\SYSTEM"

both_generations = pytest.mark.parametrize("generation", [1, 2])
crashed_or_not = pytest.mark.parametrize("crashed", [False, True], ids=["clean", "crashed"])


def named(fault: str, crashed: bool) -> str:
    return f"{fault}+crashed" if crashed else fault


def assert_named(sample: Broken, proposal: Proposal) -> None:
    """The planted cause, and nothing beside it, with stop code, status and image."""
    truth, diagnosis = sample.truth, proposal.diagnosis
    assert [(f.rule, f.subject.lower()) for f in diagnosis.causes] == [(truth["expect"], truth["subject"].lower())]
    assert diagnosis.findings[0] in diagnosis.causes
    assert diagnosis.prediction is not None
    assert diagnosis.prediction.image is not None
    assert diagnosis.prediction.image.lower() == truth["subject"].lower()
    assert (diagnosis.prediction.stop, diagnosis.prediction.status) == (truth["stop"], truth["status"])
    assert all(evidence.where and evidence.what for evidence in diagnosis.findings[0].evidence)


def pending_changes(sample: Broken) -> list[tuple[str, str, bytes]]:
    rows = sample.truth["details"]["pending"]
    return [(row["key"], row["name"], bytes.fromhex(row["data"])) for row in rows]


@both_generations
@crashed_or_not
@pytest.mark.parametrize("fault", FAULTS)
def test_named_repaired_silent_and_undone(generation: int, fault: str, crashed: bool, tmp_path: Path) -> None:
    with broken(generation, named(fault, crashed)) as sample:
        before, _ = data_digest(sample.disk)
        needs_donor = fault == "driver-damaged-everywhere"
        source = donor(base(generation), sample.given) if needs_donor else nullcontext(sample.given)
        with source as given:
            proposal = propose(sample.disk, given)
            assert_named(sample, proposal)
            assert proposal.worth_doing
            assert proposal.rehearsal is not None
            report = commit(
                sample.disk, proposal.rehearsal.overlay.patches(), tmp_path / "journals", identity={}, meta={}
            )
        assert report.verified
        assert report.journal is not None

        again = diagnose(sample.disk, sample.given)
        assert again.findings == []
        assert again.prediction is None
        if crashed:
            assert_nothing_pending_is_lost(sample)
        undo(sample.disk, report.journal)
        assert data_digest(sample.disk)[0] == before


def assert_nothing_pending_is_lost(sample: Broken) -> None:
    """The hive itself, read without its logs, is clean and holds every change that stood in them only."""
    image = Image(sample.disk)
    number = sample.machine.manifest.windows_partition
    hive = Hive.parse(image.read_file(number, SYSTEM), "SYSTEM")
    assert not hive.dirty
    changes = pending_changes(sample)
    assert changes
    for path, name, data in changes:
        key = hive.key(path)
        value = key.value(name) if key is not None else None
        assert value is not None, f"{path}\\{name}"
        assert value.data == data


def test_an_unclean_volume_is_seen_as_windows_will_see_it_and_left_as_it_is() -> None:
    with broken(2, "healthy+crashed") as sample:
        before, _ = data_digest(sample.disk)
        waiting = sample.truth["details"]["journalled"]
        number = sample.machine.manifest.windows_partition
        assert Image(sample.disk).volume(number).stat(waiting["path"]).modified < waiting["modified"]
        diagnosis = diagnose(sample.disk, sample.given)
        assert diagnosis.replayed == (number,)
        assert diagnosis.image.volume(number).stat(waiting["path"]).modified == waiting["modified"]
        assert any("journal" in note and f"Volume {number}" in note for note in diagnosis.notes)
        diagnosis.image.close()
        assert data_digest(sample.disk)[0] == before
    with broken(2, "healthy") as sample:
        assert diagnose(sample.disk, sample.given).replayed == ()


@both_generations
@crashed_or_not
def test_a_healthy_machine_gets_no_finding_and_no_write(generation: int, crashed: bool) -> None:
    with broken(generation, named("healthy", crashed)) as sample:
        before, _ = data_digest(sample.disk)
        proposal = propose(sample.disk, sample.given)
        assert proposal.diagnosis.findings == []
        assert proposal.diagnosis.healthy
        assert proposal.plan.steps == []
        assert proposal.rehearsal is None
        assert data_digest(sample.disk)[0] == before


@both_generations
def test_diagnose_and_rehearsal_leave_the_disk_alone(generation: int) -> None:
    with broken(generation, "catalog-lost+crashed") as sample:
        before, _ = data_digest(sample.disk)
        assert propose(sample.disk, sample.given).worth_doing
        assert data_digest(sample.disk)[0] == before


def test_a_lost_catalog_needs_no_donor_and_leaves_the_driver_alone() -> None:
    with broken(2, "catalog-lost") as sample:
        actions = propose(sample.disk, sample.given).plan.actions
        assert [action.kind for action in actions] == ["create_file"]
        assert "CatRoot" in actions[0].target
        assert "servicing\\Packages" in actions[0].source


def test_a_damaged_driver_is_mended_on_its_own_clusters() -> None:
    """In place first: besides the driver's own bytes nothing of the volume changes, and its hard link is mended too."""
    with broken(2, "driver-damaged") as sample:
        proposal = propose(sample.disk, sample.given)
        assert proposal.rehearsal is not None
        assert proposal.rehearsal.changed_bytes <= 4096
        image = Image(sample.disk)
        number = sample.machine.manifest.windows_partition
        path = proposal.plan.actions[0].target.split(":", 1)[1]
        owned = image.volume(number).extents(path)
        start = next(p.start for p in image.partitions if p.number == number)
        for patch in proposal.rehearsal.overlay.patches():
            at = patch.offset - start
            assert any(e.volume_offset <= at and at + len(patch.after) <= e.volume_offset + e.length for e in owned)


def test_without_a_donor_the_reasons_are_told() -> None:
    with broken(2, "driver-damaged-everywhere") as sample:
        proposal = propose(sample.disk, sample.given)
        assert proposal.rehearsal is None
        assert proposal.causes_left
        reasons = " ".join(item.reason for item in proposal.diagnosis.findings[0].skipped)
        assert "--donor" in reasons


def test_a_donor_of_another_build_is_skipped_with_the_reason() -> None:
    other = base(2, "17763.6659")
    with broken(2, "driver-damaged-everywhere") as sample, donor(other, sample.given) as given:
        proposal = propose(sample.disk, given)
        assert proposal.rehearsal is None
        reasons = [s.reason for s in proposal.diagnosis.findings[0].skipped if str(other.path) in s.action]
        assert reasons
        assert any("17763" in reason and "20348" in reason for reason in reasons)


def test_a_donor_file_is_taken_because_this_machines_catalogs_vouch_for_it() -> None:
    with broken(2, "driver-damaged-everywhere") as sample, donor(base(2), sample.given) as given:
        finding = propose(sample.disk, given).diagnosis.findings[0]
        assert any("this machine's catalog" in evidence.what for evidence in finding.evidence)


def test_two_faults_are_both_named_and_mended_by_one_repair(tmp_path: Path) -> None:
    with broken(2, "catalog-lost+driver-unsigned") as sample:
        proposal = propose(sample.disk, sample.given)
        assert {finding.rule for finding in proposal.diagnosis.causes} == {"catalog_missing", "driver_damaged"}
        assert proposal.worth_doing
        assert proposal.rehearsal is not None
        commit(sample.disk, proposal.rehearsal.overlay.patches(), tmp_path, identity={}, meta={})
        assert diagnose(sample.disk, sample.given).findings == []


def test_only_names_one_rule_and_leaves_the_other_cause() -> None:
    with broken(2, "catalog-lost+driver-unsigned") as sample:
        proposal = propose(sample.disk, sample.given, only=["catalog_missing"])
        assert proposal.worth_doing
        assert [finding.rule for finding in proposal.causes_left] == ["driver_damaged"]


def test_a_lab_root_is_trusted_only_where_it_is_named() -> None:
    with broken(2, "healthy") as sample:
        diagnosis = diagnose(sample.disk, Given(type(sample.given.trust)()))
        assert {finding.rule for finding in diagnosis.causes} == {"driver_untrusted"}
        assert all(not finding.actions for finding in diagnosis.causes)
