"""Words that differ by one slip of the finger: a letter too many, too few, another, or two exchanged."""

from __future__ import annotations

from collections.abc import Iterable

LONGEST = 64
SHORTEST = 4
"""Of words shorter than this too many are one slip apart (`ren`, `rem`, `reg`)."""


def is_near(one: str, other: str) -> bool:
    """Whether one slip makes `other` of `one`, or a letter case."""
    a, b = one.lower(), other.lower()
    if a == b:
        return True
    if abs(len(a) - len(b)) > 1 or len(a) > LONGEST:
        return False
    start = 0
    while start < min(len(a), len(b)) and a[start] == b[start]:
        start += 1
    rest, other_rest = a[start:], b[start:]
    if len(rest) == len(other_rest):
        swapped = len(rest) > 1 and rest[1] + rest[0] + rest[2:] == other_rest
        return swapped or rest[1:] == other_rest[1:]
    return rest[1:] == other_rest if len(rest) > len(other_rest) else rest == other_rest[1:]


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The one known word a slip away; None where there is none, or more than one, or the word is too short."""
    if len(word) < SHORTEST - 1:
        return None
    near = {one for one in known if is_near(word, one) and len(one) >= SHORTEST}
    return near.pop() if len(near) == 1 else None
