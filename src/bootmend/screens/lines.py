"""Lines of text with their place on the picture: what every engine gives."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bootmend.screens.picture import View

MAX_LINES = 400
"""No screen has more; noise may."""
LONGEST = 500


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text and its place, in pixels of the picture."""

    text: str
    left: int
    top: int
    right: int
    bottom: int


Reading = tuple[Line, ...]


def placed(text: str, box: Sequence[float], view: View) -> Line:
    """A line that stands at `box` (left, top, right, bottom) of a view, at its place on the picture."""
    left, top, right, bottom = (round(edge / view.scale) for edge in box)
    return Line(text[:LONGEST], left + view.left, top + view.top, right + view.left, bottom + view.top)


def top_down(lines: Iterable[Line]) -> Reading:
    return tuple(sorted(lines, key=lambda line: (line.top, line.left)))
