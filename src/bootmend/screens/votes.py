"""Several readings of one thing: told only where two agree and none disagrees."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

Value = TypeVar("Value", bound=Hashable)

AGREE = 2


class Votes(Generic[Value]):
    """A reading votes once for each value it holds."""

    def __init__(self) -> None:
        self._counts: Counter[Value] = Counter()

    def add(self, values: Iterable[Value]) -> None:
        self._counts.update(set(values))

    @property
    def winner(self) -> Value | None:
        """The value that enough readings hold, when they hold no other."""
        if len(self._counts) != 1:
            return None
        ((value, count),) = self._counts.items()
        return value if count >= AGREE else None

    @property
    def most(self) -> int:
        """How many readings hold the value that most of them hold."""
        return max(self._counts.values(), default=0)

    @property
    def split(self) -> bool:
        """Whether readings disagree: more of them cannot mend it."""
        return len(self._counts) > 1
