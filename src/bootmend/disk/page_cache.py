"""The pages of a far disk that were fetched last, up to a bound; the one used longest ago goes first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator

PAGE = 4096
"""What is kept is told apart in pages; how much is fetched at once is the device's matter."""


class PageCache:
    """Thread-safe. The last page may be short: it ends with the disk."""

    def __init__(self, bound: int) -> None:
        """`bound` in bytes."""
        self._most = max(1, bound // PAGE)
        self._pages: OrderedDict[int, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, numbers: Iterable[int]) -> dict[int, bytes]:
        """Those of `numbers` that are here."""
        found: dict[int, bytes] = {}
        with self._lock:
            for number in numbers:
                page = self._pages.get(number)
                if page is not None:
                    self._pages.move_to_end(number)
                    found[number] = page
        return found

    def missing(self, numbers: Iterable[int]) -> list[int]:
        with self._lock:
            return [number for number in numbers if number not in self._pages]

    def put(self, first: int, data: bytes) -> dict[int, bytes]:
        """`data` from page `first` on, as pages."""
        pages = {first + at // PAGE: data[at : at + PAGE] for at in range(0, len(data), PAGE)}
        with self._lock:
            for number, page in pages.items():
                self._pages[number] = page
                self._pages.move_to_end(number)
            while len(self._pages) > self._most:
                self._pages.popitem(last=False)
        return pages

    @property
    def held(self) -> int:
        """Bytes."""
        with self._lock:
            return sum(map(len, self._pages.values()))

    def drop(self, numbers: Iterable[int]) -> None:
        with self._lock:
            for number in numbers:
                self._pages.pop(number, None)


def runs(numbers: Iterable[int], gap: int = 0) -> Iterator[tuple[int, int]]:
    """Half-open runs of ascending numbers, joined where no more than `gap` are between two."""
    start = end = -1
    for number in numbers:
        if end < 0:
            start, end = number, number + 1
        elif number - end <= gap:
            end = number + 1
        else:
            yield start, end
            start, end = number, number + 1
    if end >= 0:
        yield start, end
