"""What became of every setting that a switch captured: the history of a disk, read for people.

on         it is still as the switch put it, as far as the journals know
put back   a later `disable` put back what stood there
held       a `disable` let go of it, but another switch that is on wants something there
left       a `disable` came by and left it alone, since somebody had changed it
undone     the commit that made it was taken back
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from bootmend.commit import HistoryEntry
from bootmend.switches.capture import Captured, captured_of
from bootmend.switches.layers import turned_off_by
from bootmend.switches.setting import Place


class Fate(StrEnum):
    ON = "on"
    PUT_BACK = "put back"
    HELD = "held"
    LEFT = "left"
    UNDONE = "undone"


@dataclass(slots=True)
class Told:
    """One setting that one commit captured, and what became of it since."""

    switch: str
    captured: Captured
    fate: Fate = Fate.ON


def account(entries: Iterable[HistoryEntry]) -> list[list[Told]]:
    """For each entry, oldest first, what it captured. Raises ParseError for a journal that says nonsense."""
    books: list[list[Told]] = []
    standing: dict[tuple[str, Place], list[Told]] = {}
    """What is not settled yet, by the disk's id and the place."""
    for entry in entries:
        disk = entry.identity.get("disk", "")
        page: list[Told] = []
        books.append(page)
        for switch, places in captured_of(entry.meta, str(entry.journal)).items():
            page += [Told(switch, captured) for captured in places]
        if entry.state != "committed":
            for one in page:
                one.fate = Fate.UNDONE
            continue
        for one in page:
            standing.setdefault((disk, one.captured.place), []).append(one)
        for switch, place, left in turned_off_by(entry):
            there = standing.get((disk, place), [])
            _settle(there, switch, left=left)
    return books


def _settle(there: list[Told], switch: str, *, left: bool) -> None:
    ours = [one for one in there if one.switch == switch and one.fate in (Fate.ON, Fate.LEFT)]
    others = any(one.switch != switch and one.fate is Fate.ON for one in there)
    for one in ours:
        one.fate = Fate.LEFT if left else Fate.HELD if others else Fate.PUT_BACK
    if not others and not left:
        for one in there:
            if one.fate is Fate.HELD:
                one.fate = Fate.PUT_BACK
