"""Changes of the kinds that find bugs, thrown with a seeded die."""

from __future__ import annotations

import random

NUMBERS = (
    *(0, 1, 2, 7, 8, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE),
    *(0xFFFFFFFF, 1 << 32, 1 << 40, 1 << 48, (1 << 63) - 1, 1 << 63, (1 << 64) - 1),
)


def scribble(dice: random.Random, data: bytearray, low: int = 0, high: int | None = None) -> None:
    """One to four changes between two offsets, of the kinds that find bugs."""
    high = len(data) if high is None else min(high, len(data))
    if high - low < 8:
        return
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(low, high)
        kind = dice.randrange(5)
        if kind == 0:
            data[at] ^= 1 << dice.randrange(8)
        elif kind == 1:
            data[at] = dice.randrange(256)
        elif kind in (2, 3):
            width = dice.choice((1, 2, 4, 8))
            at = min(at // width * width, high - width)
            data[at : at + width] = (dice.choice(NUMBERS) % (1 << 8 * width)).to_bytes(width, "little")
        else:
            length = min(dice.choice((4, 16, 64, 512)), high - at)
            data[at : at + length] = dice.choice((bytes(length), b"\xff" * length, dice.randbytes(length)))


def put(dice: random.Random, data: bytearray, at: int, width: int, *likely: int) -> None:
    """An extreme or a nearby number in a field."""
    old = int.from_bytes(data[at : at + width], "little")
    choices = [
        *NUMBERS,
        *likely,
        old + 1,
        old - 1,
        old * 2,
        old ^ (1 << dice.randrange(8 * width)),
        dice.getrandbits(64),
    ]
    data[at : at + width] = (dice.choice(choices) % (1 << 8 * width)).to_bytes(width, "little")
