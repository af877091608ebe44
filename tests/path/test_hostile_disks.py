"""Hostile bytes through the whole path: every case ends in an answer, in bounded time and memory, or changes nothing.

Some dozen seeded cases in the usual run; `BOOTMEND_HOSTILE=20` runs twenty times as many of each area,
`BOOTMEND_HOSTILE_FIRST=1000` begins at another seed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hostile.run import Victim, attack, quick_folder
from hostile.strikes import AREAS

TIMES = int(os.environ.get("BOOTMEND_HOSTILE", "1"))
FIRST = int(os.environ.get("BOOTMEND_HOSTILE_FIRST", "0"))
MACHINES = ((2, "catalog-lost", 2), (1, "driver-damaged+crashed", 1))
"""Generation, fault, and how many cases of each area where nobody asks for more."""
DIAGNOSE = ("diagnose", "--json")
REPAIR = ("repair", "--yes", "--json")


@pytest.fixture(scope="module", params=MACHINES, ids=["uefi", "bios"])
def victim(request: pytest.FixtureRequest) -> Iterator[Victim]:
    generation, fault, cases = request.param
    with quick_folder() as folder:
        yield Victim(generation, fault, folder, cases)


@pytest.mark.parametrize("area", AREAS)
def test_every_disk_gets_an_answer(victim: Victim, area: str) -> None:
    for seed in range(FIRST, FIRST + victim.cases * TIMES):
        command = DIAGNOSE if seed % 4 == 3 else REPAIR
        outcome, complaints = attack(victim, victim.strike(area, seed), command)
        assert not complaints, f"{area} {seed}: {', '.join(complaints)}: {outcome.err.strip()}"


def test_without_damage_the_machine_is_repaired_and_undone(victim: Victim) -> None:
    """The harness itself: with nothing struck, the repair commits and its undo is exact."""
    outcome, complaints = attack(victim, [], REPAIR)
    assert (outcome.code, complaints) == (0, [])
    assert outcome.document is not None
    assert outcome.document["commit"]
