"""Every fault the lab knows: named first, predicted, repaired where it can be, silent, undone to the same bytes."""

from __future__ import annotations

from pathlib import Path

import pytest
from lab_machines import broken

from bootmend.commit import commit, undo
from bootmend.disk.digest import data_digest
from bootmend.errors import Refused
from bootmend.findings import Severity
from bootmend.lab.faults import Fault, faults
from bootmend.repair import diagnose, propose

CASES = [
    pytest.param(fault, generation, id=f"{fault.name}-{generation}")
    for fault in faults()
    for generation in fault.generations
    if fault.expect is not None
]


@pytest.mark.parametrize(("fault", "generation"), CASES)
def test_a_fault_is_named_mended_and_undone(fault: Fault, generation: int, tmp_path: Path) -> None:
    with broken(generation, fault.name) as sample:
        truth = sample.truth
        before, _ = data_digest(sample.disk)
        try:
            proposal = propose(sample.disk, sample.given, accept=frozenset(fault.accept))
        except Refused:
            assert not fault.repairable
            return
        found = proposal.diagnosis.findings
        assert [(one.rule, one.severity.value) for one in found[:1]] == [(fault.expect, fault.severity)]
        others = [one for one in found if one.severity is Severity.CAUSE and one.rule != fault.expect]
        assert others == []
        if truth["subject"]:
            assert found[0].subject.lower() == truth["subject"].lower()
        assert all(evidence.where and evidence.what for evidence in found[0].evidence)
        predicted = proposal.diagnosis.prediction
        if truth["stops"]:
            assert predicted is not None
            assert (predicted.stop, predicted.status, predicted.screen) == (
                truth["stop"],
                truth["status"],
                truth["screen"],
            )
        else:
            assert predicted is None
        assert data_digest(sample.disk)[0] == before
        if not fault.repairable:
            assert proposal.rehearsal is None
            assert found[0].skipped or fault.severity == "note"
            return
        assert proposal.worth_doing, (proposal.dropped, proposal.rehearsal)
        assert proposal.rehearsal is not None
        report = commit(sample.disk, proposal.rehearsal.overlay.patches(), tmp_path, identity={}, meta={})
        assert report.journal is not None
        again = diagnose(sample.disk, sample.given)
        assert [one for one in again.findings if one.severity is not Severity.NOTE] == []
        assert again.prediction is None
        undo(sample.disk, report.journal)
        assert data_digest(sample.disk)[0] == before


@pytest.mark.parametrize("fault", [fault for fault in faults() if fault.accept], ids=lambda fault: fault.name)
def test_a_risky_repair_needs_consent(fault: Fault) -> None:
    with broken(fault.generations[-1], fault.name) as sample:
        proposal = propose(sample.disk, sample.given)
        assert proposal.rehearsal is None
        assert any(word in skipped.reason for word in fault.accept for skipped in proposal.plan.skipped)
