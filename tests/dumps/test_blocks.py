"""Blocks of virtual memory as small dumps hold them: apart, adjoining, one inside of another."""

from __future__ import annotations

import random

import pytest
from dumps.crashed import InMemory

from bootmend.dumps.memory import Block, BlockMemory
from bootmend.dumps.reader import Reader

BASE = 0xFFFFF80000000000
DATA = bytes(at * 7 % 251 for at in range(0x1000))


def memory(*spans: tuple[int, int]) -> BlockMemory:
    """Each span (start, length) of DATA at its place behind BASE."""
    blocks = [Block(BASE + start, start, length) for start, length in spans]
    return BlockMemory(Reader(InMemory(DATA), "blocks"), blocks)


def test_a_large_block_with_many_small_ones_inside() -> None:
    found = memory((0, 0x800), *((0x100 + 16 * at, 8) for at in range(20)))
    assert found.read(BASE, 0x800) == DATA[:0x800]
    assert found.read(BASE + 0x7F0, 0x10) == DATA[0x7F0:0x800]
    assert found.read(BASE + 0x7F0, 0x11) is None


@pytest.mark.parametrize("seed", range(40))
def test_any_blocks_hold_what_each_of_them_holds(seed: int) -> None:
    dice = random.Random(seed)
    spans = [(dice.randrange(0xE00), dice.randrange(1, 0x200)) for _ in range(dice.randrange(1, 30))]
    there = {at for start, length in spans for at in range(start, start + length)}
    found = memory(*spans)
    for at in range(0x1000):
        assert found.read(BASE + at, 1) == (DATA[at : at + 1] if at in there else None)
    start, length = dice.choice(spans)
    assert found.read(BASE + start, length) == DATA[start : start + length]
