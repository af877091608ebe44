"""Hostile bytes through the whole path: every case ends in an answer, in bounded time and memory, or changes nothing.

A few hundred seeded cases in the usual run; `BOOTMEND_HOSTILE=20` runs twenty times as many of each
area, `BOOTMEND_HOSTILE_FIRST=1000` begins at another seed.
"""

from __future__ import annotations

import os

import pytest
from hostile.run import Victim, attack
from hostile.strikes import AREAS

TIMES = int(os.environ.get("BOOTMEND_HOSTILE", "1"))
FIRST = int(os.environ.get("BOOTMEND_HOSTILE_FIRST", "0"))
CASES = 2
"""Of each area and machine, where nobody asks for more."""

MACHINES = ((2, "catalog-lost"), (1, "driver-damaged+crashed"))
DIAGNOSE = ("diagnose", "--json")
REPAIR = ("repair", "--yes", "--json")


@pytest.fixture(scope="module", params=MACHINES, ids=["uefi", "bios"])
def victim(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Victim:
    generation, fault = request.param
    return Victim(generation, fault, tmp_path_factory.mktemp("hostile"))


@pytest.mark.parametrize("area", AREAS)
def test_every_disk_gets_an_answer(victim: Victim, area: str) -> None:
    for seed in range(FIRST, FIRST + CASES * TIMES):
        command = DIAGNOSE if seed % 4 == 3 else REPAIR
        outcome, complaints = attack(victim, victim.strike(area, seed), command)
        assert not complaints, f"{area} {seed}: {', '.join(complaints)}: {outcome.err.strip()}"


def test_without_damage_the_machine_is_repaired_and_undone(victim: Victim) -> None:
    """The harness itself: with nothing struck, the repair commits and its undo is exact."""
    outcome, complaints = attack(victim, [], REPAIR)
    assert (outcome.code, complaints) == (0, [])
    assert outcome.document is not None
    assert outcome.document["commit"]
