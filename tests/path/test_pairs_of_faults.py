"""Two faults at once: both are named, the earlier station first, one repair mends both, undo gives the bytes back."""

from __future__ import annotations

import random
from contextlib import ExitStack
from itertools import combinations
from pathlib import Path

import pytest
from lab_machines import Broken, broken

from bootmend.commit import commit, undo
from bootmend.disk.digest import data_digest
from bootmend.errors import Misuse
from bootmend.findings import Severity
from bootmend.lab.faults import Fault, faults
from bootmend.repair import diagnose, propose
from bootmend.rules import all_rules

PAIRS = 64

HIDES = frozenset({"hive_unreadable", "control_set_missing"})
"""While one of these holds nothing can be asked of the registry: the other cause is seen once it is mended."""


NO_ENTRY = frozenset({"bcd_missing", "bcd_unreadable", "bcd_no_loader", "bcd_virtual_disk"})
"""Without a store, or with another entry chosen than Windows', no setting of Windows' entry can be wrong as well."""

ELSEWHERE = frozenset({"bcd-default-memory-test", "bcd-device-boot"})
PATHS = frozenset({"bcd-path", "bcd-path-nowhere"})
"""These take the default entry away from what the others change; no machine has both."""


ONE_VICTIM = frozenset({"driver-unsigned", "third-party-boot-driver"})
"""Both need a critical driver of another maker, and the lab's machine has one."""


def exclude_each_other(one: Fault, other: Fault) -> bool:
    """The only pairs that are not asked. Faults of one rule are left out too: there is one name for both."""
    rules, names = {str(one.expect), str(other.expect)}, {one.name, other.name}
    if all(rule.startswith("bcd_") for rule in rules) and rules & NO_ENTRY:
        return True
    return names in (ELSEWHERE, ONE_VICTIM) or bool(names & ELSEWHERE and names & PATHS)


def both(one: Fault, other: Fault, generation: int, stack: ExitStack) -> Broken:
    """A machine with both; the second finds something to break in one order or the other."""
    try:
        return stack.enter_context(broken(generation, f"{one.name}+{other.name}"))
    except Misuse:
        return stack.enter_context(broken(generation, f"{other.name}+{one.name}"))


def drawn() -> list[tuple[Fault, Fault, int]]:
    """The same pairs in every run, of different rules, on machines where both can be."""
    mendable = [
        fault for fault in faults() if fault.expect is not None and fault.repairable and fault.severity == "cause"
    ]
    pairs = [
        (one, other, generation)
        for one, other in combinations(mendable, 2)
        if one.expect != other.expect and not exclude_each_other(one, other)
        for generation in set(one.generations) & set(other.generations)
    ]
    return sorted(random.Random(5).sample(pairs, min(PAIRS, len(pairs))), key=lambda pair: (pair[2], pair[0].name))


@pytest.mark.parametrize(
    ("one", "other", "generation"),
    [pytest.param(*pair, id=f"{pair[0].name}+{pair[1].name}-{pair[2]}") for pair in drawn()],
)
def test_both_are_named_and_mended_by_one_repair(one: Fault, other: Fault, generation: int, tmp_path: Path) -> None:
    with ExitStack() as stack:
        sample = both(one, other, generation, stack)
        before, _ = data_digest(sample.disk)
        proposal = propose(sample.disk, sample.given, accept=frozenset({*one.accept, *other.accept}))
        causes = proposal.diagnosis.causes
        wanted = {one.expect, other.expect}
        named = {finding.rule for finding in causes}
        assert named == wanted or (named < wanted and named & HIDES)
        known = all_rules()
        stations = [finding.station or known[finding.rule].station for finding in causes]
        assert stations == sorted(stations)
        assert proposal.diagnosis.stops_at == stations[0]
        assert proposal.worth_doing, (proposal.dropped, proposal.rehearsal)
        assert proposal.rehearsal is not None
        report = commit(sample.disk, proposal.rehearsal.overlay.patches(), tmp_path, identity={}, meta={})
        assert report.journal is not None
        again = diagnose(sample.disk, sample.given)
        assert [finding for finding in again.findings if finding.severity is not Severity.NOTE] == []
        undo(sample.disk, report.journal)
        assert data_digest(sample.disk)[0] == before
