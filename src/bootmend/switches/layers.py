"""Which switch holds which place: the history of a disk, told again from its journals.

In each place the switches that are on lie on one another like layers, the last one turned on at the
top; what is stored is what the top one wants, and each layer keeps what stood there before it.

    enable crash-dump     CrashDumpEnabled   [crash-dump: 7 -> 2]
    enable crash-debug                       [crash-dump: 7 -> 2] [crash-debug: 2 -> 2]
    disable crash-dump    nothing written    [crash-debug: 7 -> 2]      its way back goes to the one above
    disable crash-debug   7 written          (none)

So every order of turning off ends where it all began. A switch that is turned on again while it is
on top keeps the way back of the first time. Commits that were undone or rolled back never happened.
What a switch captured is remembered after it was turned off: turning it off once more changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bootmend.commit import HistoryEntry
from bootmend.errors import ParseError
from bootmend.switches.capture import Captured, captured_of, place_of
from bootmend.switches.setting import Place

WENT_BY = "went_by"
"""In the meta of a `disable` that went by a journal given by hand: what that one had captured, by switch."""


@dataclass(frozen=True, slots=True)
class Layer:
    switch: str
    captured: Captured
    left: bool = False
    """`disable` came by and left the place alone, since somebody had changed it."""


class Layers:
    """The switches of one disk that are on, as far as its journals know."""

    def __init__(self) -> None:
        self._places: dict[Place, list[Layer]] = {}
        self._past: dict[str, dict[Place, Captured]] = {}
        """By switch that was turned off and not on again: what it had captured."""

    @classmethod
    def of(cls, entries: Iterable[HistoryEntry], identity: Mapping[str, str]) -> Layers:
        """From a disk's history, oldest first; journals of other disks (a key of `identity` differs) do not count.

        Raises ParseError for a journal that is whole but says nonsense.
        """
        layers = cls()
        for entry in entries:
            shared = entry.identity.keys() & identity.keys()
            if entry.state != "committed" or any(entry.identity[key] != identity[key] for key in shared):
                continue
            for switch, places in captured_of(entry.meta, str(entry.journal)).items():
                for captured in places:
                    layers.turned_on(switch, captured)
            for switch, place, left in turned_off_by(entry):
                if left:
                    layers.leave(switch, place)
                else:
                    layers.turned_off(switch, place)
            for switch, places in captured_of(entry.meta, str(entry.journal), WENT_BY).items():
                layers.went_by(switch, places)
        return layers

    def held_by(self, switch: str) -> list[Captured]:
        """What a `disable` of the switch has to put back; empty where it is not on."""
        return [layer.captured for stack in self._places.values() for layer in stack if layer.switch == switch]

    def past(self, switch: str) -> list[Captured] | None:
        """What a switch that was turned off had captured, but for places that others hold now.

        None where no journal tells, and where it had found everything as it wanted it: then nothing is
        known of a time before it.
        """
        captured = self._past.get(switch, {}).values()
        if all(one.before == one.after for one in captured):
            return None
        return [one for one in captured if not self._places.get(one.place)]

    def above(self, switch: str, place: Place) -> str | None:
        """The switch that was turned on after it and holds the place now."""
        held = any(layer.switch == switch for layer in self._places.get(place, []))
        return self.holder(switch, place) if held else None

    def holder(self, switch: str, place: Place) -> str | None:
        """The other switch that holds the place now."""
        stack = self._places.get(place, [])
        return stack[-1].switch if stack and stack[-1].switch != switch else None

    def topmost_first(self, switches: Iterable[str]) -> list[str]:
        """In the order in which none of them, if that can be, has to leave a place to another of them."""
        names = list(switches)
        below = {
            name: sum(self.above(name, place) in names for place in (one.place for one in self.held_by(name)))
            for name in names
        }
        return sorted(names, key=below.__getitem__)

    def way_back(self, switch: str, place: Place) -> Captured | None:
        """What it captured the first time, where it is on top of this place and still in force."""
        stack = self._places.get(place, [])
        top = stack[-1] if stack else None
        return top.captured if top is not None and top.switch == switch and not top.left else None

    def turned_on(self, switch: str, captured: Captured) -> None:
        place, first = captured.place, self.way_back(switch, captured.place)
        if first is not None:
            self._places[place][-1] = Layer(switch, replace(captured, before=first.before))
            return
        self.turned_off(switch, place)
        self._past.pop(switch, None)
        self._places.setdefault(place, []).append(Layer(switch, captured))

    def turned_off(self, switch: str, place: Place) -> None:
        stack = self._places.get(place, [])
        for at, layer in enumerate(stack):
            if layer.switch == switch:
                self._past.setdefault(switch, {})[place] = layer.captured
                del stack[at]
                if at < len(stack):
                    above = stack[at].captured
                    inherited = replace(above, before=layer.captured.before, made=layer.captured.made + above.made)
                    stack[at] = replace(stack[at], captured=inherited)
                return

    def went_by(self, switch: str, captured: Iterable[Captured]) -> None:
        """A journal given by hand told what stood there: it is known from now on."""
        for one in captured:
            self._past.setdefault(switch, {}).setdefault(one.place, one)

    def leave(self, switch: str, place: Place) -> None:
        stack = self._places.get(place, [])
        for at, layer in enumerate(stack):
            if layer.switch == switch:
                stack[at] = replace(layer, left=True)


def turned_off_by(entry: HistoryEntry) -> list[tuple[str, Place, bool]]:
    """(switch, place, whether it was left alone) of a `disable`."""
    found: Mapping[str, Any] = entry.meta.get("disabled", {})
    try:
        return [
            (str(switch), place_of(one), word == "left")
            for switch, what in found.items()
            for word in ("back", "left")
            for one in what[word]
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ParseError(str(entry.journal), 0, "what disable put back, in the journal's header", str(error)) from error
