"""Switches that share places, turned on and off in any order, with any of the commits undone: back to the start."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmend.commit import HistoryEntry
from bootmend.errors import ParseError
from bootmend.switches import (
    WENT_BY,
    Fate,
    Layers,
    Machine,
    Switch,
    account,
    captured_to_json,
    place_to_json,
    turn_off,
    turn_on,
)
from bootmend.switches.setting import Place, Setting, Stored, ValuePlace, dword


@dataclass
class Board:
    """A machine that is nothing but places."""

    stored: dict[Place, Stored] = field(default_factory=dict)

    def read(self, place: Place) -> Stored | None:
        return self.stored.get(place)

    def there(self, _place: Place) -> bool:
        return True

    def write(self, place: Place, stored: Stored | None, _object_type: int | None = None) -> list[str]:
        if stored is None:
            self.stored.pop(place, None)
        else:
            self.stored[place] = stored
        return []


PLACES = [ValuePlace(1, "\\SYSTEM", "Set\\Key", name) for name in "abcd"]


def wants(**numbers: int) -> Callable[[Machine, str], list[Setting]]:
    """A switch that wants these numbers, in its other variant each of them ten more."""

    def settings(_machine: Machine, variant: str) -> list[Setting]:
        more = 10 if variant == "other" else 0
        return [Setting(PLACES["abcd".index(name)], dword(number + more)) for name, number in numbers.items()]

    return settings


def wants_telling(**numbers: int) -> Callable[[Machine, str], list[Setting]]:
    return lambda machine, variant: [replace(one, telling=True) for one in wants(**numbers)(machine, variant)]


SWITCHES = {
    name: Switch(name, ("usual", "other"), settings, lambda _machine: "usual")
    for name, settings in {
        "x": wants(a=2, b=1),
        "y": wants(a=2, c=5),
        "z": wants(a=3, b=4, c=5, d=6),
        "one": wants_telling(a=8),
    }.items()
}


@dataclass
class Story:
    """A board, and the journals of what was done to it."""

    board: Board
    entries: list[HistoryEntry] = field(default_factory=list)
    undo: list[dict[Place, Stored]] = field(default_factory=list)

    def on(self, name: str, variant: str) -> None:
        turned = turn_on(cast("Machine", self.board), {SWITCHES[name]: variant}, self.layers)
        self.keep({"captured": captured_to_json({one.switch.name: one.captured for one in turned})})

    def off(self, name: str, force: bool = False) -> list[Place]:
        layers = self.layers
        held = layers.held_by(name)
        if not held:
            return []
        turned = turn_off(cast("Machine", self.board), SWITCHES[name], held, layers, force=force)
        back, left = ([place_to_json(place) for place in places] for places in (turned.back, turned.left))
        self.keep({"disabled": {name: {"back": back, "left": left}}})
        return turned.left

    def again(self, name: str, force: bool = False) -> list[Place]:
        """Turned off though it is not on."""
        layers = self.layers
        assert not layers.held_by(name)
        turned = turn_off(cast("Machine", self.board), SWITCHES[name], [], layers, force=force)
        back, left = ([place_to_json(place) for place in places] for places in (turned.back, turned.left))
        self.keep({"disabled": {name: {"back": back, "left": left}}})
        return turned.left

    def keep(self, meta: dict[str, Any]) -> None:
        told = json.loads(json.dumps(meta))
        self.entries.append(_entry(told))

    @property
    def layers(self) -> Layers:
        return Layers.of(self.entries, {"disk": "one"})


def _entry(meta: dict[str, Any]) -> HistoryEntry:
    return HistoryEntry(Path("j"), datetime.now(UTC), "committed", 1, 1, meta, {"disk": "one"})


def stored(numbers: dict[int, int]) -> dict[Place, Stored]:
    return {PLACES[at]: dword(number) for at, number in numbers.items()}


starts = st.dictionaries(st.integers(0, 3), st.integers(0, 20)).map(stored)
steps = st.lists(
    st.tuples(st.sampled_from(["on", "off"]), st.sampled_from("xyz"), st.sampled_from(["usual", "other"])), max_size=8
)


@given(starts, steps, st.permutations("xyz"))
def test_any_order_ends_where_it_began(start: dict[Place, Stored], turns: Any, ending: list[str]) -> None:
    story = Story(Board(dict(start)))
    for word, name, variant in turns:
        if word == "on":
            story.on(name, variant)
            seen = {setting.place: story.board.read(setting.place) for setting in _settings(name, variant)}
            assert seen == {setting.place: setting.wanted for setting in _settings(name, variant)}
        else:
            assert story.off(name) == []
            assert story.layers.held_by(name) == []
    for name in ending:
        assert story.off(name) == []
    assert story.board.stored == start


@given(starts, steps)
def test_commits_that_were_undone_never_happened(start: dict[Place, Stored], turns: Any) -> None:
    story = Story(Board(dict(start)))
    for word, name, variant in turns:
        board, count = dict(story.board.stored), len(story.entries)
        if word == "on":
            story.on(name, variant)
        else:
            story.off(name)
        if variant == "other" and len(story.entries) > count:
            entry = story.entries.pop()
            story.entries.append(HistoryEntry(entry.journal, entry.when, "undone", 1, 1, entry.meta, entry.identity))
            story.board.stored = board
    for name in "xyz":
        story.off(name)
    assert story.board.stored == start


def _settings(name: str, variant: str) -> list[Setting]:
    return SWITCHES[name].settings(cast("Machine", None), variant)


def test_turning_on_twice_keeps_the_first_way_back() -> None:
    story = Story(Board(stored({0: 9})))
    story.on("x", "usual")
    story.board.stored[PLACES[0]] = dword(77)
    story.on("x", "other")
    assert story.off("x") == []
    assert story.board.stored == stored({0: 9})


def test_what_somebody_changed_is_left_until_forced() -> None:
    story = Story(Board(stored({0: 9})))
    story.on("x", "usual")
    story.board.stored[PLACES[0]] = dword(77)
    assert story.off("x") == [PLACES[0]]
    assert story.board.stored == stored({0: 77})
    assert story.off("x") == [PLACES[0]]
    assert story.off("x", force=True) == []
    assert story.board.stored == stored({0: 9})


def test_after_it_was_left_alone_what_stands_there_is_captured_anew() -> None:
    story = Story(Board(stored({0: 9})))
    story.on("x", "usual")
    story.board.stored[PLACES[0]] = dword(77)
    story.off("x")
    story.on("x", "usual")
    assert story.off("x") == []
    assert story.board.stored == stored({0: 77})


def test_off_twice_is_off_once() -> None:
    """What stood there before was put back; it is not taken away for having been wanted in some variant."""
    story = Story(Board(stored({0: 12, 1: 1})))
    story.on("x", "usual")
    story.off("x")
    assert story.again("x") == []
    assert story.board.stored == stored({0: 12, 1: 1})


def test_what_was_set_by_hand_after_it_was_off_is_put_back() -> None:
    story = Story(Board(stored({0: 9})))
    story.on("x", "usual")
    story.off("x")
    story.board.stored = stored({0: 12, 1: 77})
    assert story.again("x") == [PLACES[1]]
    assert story.board.stored == stored({0: 9, 1: 77})
    assert story.again("x", force=True) == []
    assert story.board.stored == stored({0: 9})


def test_a_switch_that_found_all_as_it_wants_it_can_still_be_turned_off() -> None:
    story = Story(Board(stored({0: 2, 1: 1})))
    story.on("x", "usual")
    story.off("x")
    assert story.board.stored == stored({0: 2, 1: 1})
    assert story.layers.past("x") is None
    story.again("x")
    assert story.board.stored == {}


def test_off_twice_leaves_what_another_switch_holds() -> None:
    story = Story(Board(stored({0: 9})))
    story.on("x", "usual")
    story.on("y", "usual")
    story.off("x")
    story.again("x")
    assert story.board.stored == stored({0: 2, 2: 5})
    story.off("y")
    assert story.board.stored == stored({0: 9})


def test_a_place_that_enable_never_touched_is_told_and_taken_away_by_force(monkeypatch: pytest.MonkeyPatch) -> None:
    """As when another loader is the default one by now, and somebody set it by hand."""
    story = Story(Board(stored({3: 8})))
    story.on("one", "usual")
    story.off("one")
    monkeypatch.setitem(SWITCHES, "one", replace(SWITCHES["one"], settings=wants_telling(d=8)))
    assert story.again("one") == [PLACES[3]]
    assert story.board.stored == stored({3: 8})
    assert story.again("one", force=True) == []
    assert story.board.stored == {}


def test_off_without_ever_on_leaves_what_another_switch_holds() -> None:
    story = Story(Board(stored({0: 9})))
    story.on("y", "usual")
    story.again("x", force=True)
    assert story.board.stored == stored({0: 2, 2: 5})
    story.off("y")
    assert story.board.stored == stored({0: 9})


def test_on_again_captures_anew() -> None:
    story = Story(Board(stored({0: 9})))
    story.on("x", "usual")
    story.off("x")
    story.board.stored = stored({0: 7})
    story.on("x", "usual")
    assert story.layers.past("x") is None
    story.off("x")
    story.again("x")
    assert story.board.stored == stored({0: 7})


def test_a_journal_given_by_hand_is_remembered() -> None:
    story = Story(Board(stored({0: 9})))
    story.on("x", "usual")
    captured = story.entries.pop().meta["captured"]
    held = Layers.of([_entry({"captured": captured})], {}).held_by("x")
    turned = turn_off(cast("Machine", story.board), SWITCHES["x"], held, Layers())
    back = [place_to_json(place) for place in turned.back]
    story.keep({"disabled": {"x": {"back": back, "left": []}}, WENT_BY: captured})
    story.again("x")
    assert story.board.stored == stored({0: 9})


def fates(story: Story) -> list[list[str]]:
    return [
        [f"{one.switch}{one.captured.place.where[-1]} {one.fate}" for one in page] for page in account(story.entries)
    ]


def test_the_history_tells_what_became_of_every_setting() -> None:
    story = Story(Board(stored({0: 9})))
    story.on("x", "usual")
    story.on("y", "usual")
    assert fates(story) == [["xa on", "xb on"], ["ya on", "yc on"]]
    story.off("x")
    assert fates(story)[:2] == [["xa held", "xb put back"], ["ya on", "yc on"]]
    story.board.stored[PLACES[2]] = dword(77)
    story.off("y")
    assert fates(story)[:2] == [["xa put back", "xb put back"], ["ya put back", "yc left"]]
    story.off("y", force=True)
    assert fates(story)[1] == ["ya put back", "yc put back"]


def test_the_history_of_what_was_undone_and_of_other_disks() -> None:
    story = Story(Board())
    story.on("x", "usual")
    story.entries[0] = replace(story.entries[0], state="undone")
    story.on("x", "usual")
    story.entries[1] = replace(story.entries[1], identity={"disk": "two"})
    story.on("x", "usual")
    story.off("x")
    assert [page[0].fate for page in account(story.entries)[:3]] == [Fate.UNDONE, Fate.ON, Fate.PUT_BACK]


def test_journals_of_another_disk_do_not_count() -> None:
    story = Story(Board())
    story.on("x", "usual")
    assert Layers.of(story.entries, {"disk": "one"}).held_by("x")
    assert Layers.of(story.entries, {}).held_by("x")
    assert not Layers.of(story.entries, {"disk": "two"}).held_by("x")


@pytest.mark.parametrize(
    "meta",
    [
        {"captured": 7},
        {"captured": {"x": 7}},
        {"captured": {"x": [{}]}},
        {"captured": {"x": [{"volume": "1", "path": "p", "key": "k", "name": "n"}]}},
        {"captured": {"x": [{"volume": True, "path": "p", "key": "k", "name": "n", "before": None}]}},
        {"captured": {"x": [{"volume": 1, "path": "p", "object": "{}", "object_type": 1, "element": "1"}]}},
        {"captured": {"x": [{"volume": 1, "path": "p", "object": "{}", "object_type": 1, "element": "1" * 9}]}},
        {"captured": {"x": [{**place_to_json(PLACES[0]), "before": {"type": 4, "data": "zz"}, "after": None}]}},
        {"captured": {"x": [{**place_to_json(PLACES[0]), "before": None, "after": None, "made": [7]}]}},
        {"disabled": {"x": {"back": [{}], "left": []}}},
        {"disabled": {"x": []}},
        {"disabled": [1]},
    ],
)
def test_a_journal_that_says_nonsense_is_told_by_its_name(meta: dict[str, Any]) -> None:
    entry = HistoryEntry(Path("000001-x.journal"), datetime.now(UTC), "committed", 1, 1, meta, {})
    with pytest.raises(ParseError, match=r"000001-x\.journal"):
        Layers.of([entry], {})
