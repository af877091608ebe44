"""Which switch holds which place: the history of a disk, told again from its journals.

In each place the switches that are on lie on one another like layers, the last one turned on at the
top; what is stored is what the top one wants, and each layer keeps what stood there before it.

    enable crash-dump     CrashDumpEnabled   [crash-dump: 7 -> 2]
    enable crash-debug                       [crash-dump: 7 -> 2] [crash-debug: 2 -> 2]
    disable crash-dump    nothing written    [crash-debug: 7 -> 2]      its way back goes to the one above
    disable crash-debug   7 written          (none)

So every order of turning off ends where it all began. A switch that is turned on again while it is
on top keeps the way back of the first time. Commits that were undone or rolled back never happened.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bootmend.commit import HistoryEntry
from bootmend.errors import ParseError
from bootmend.switches.capture import Captured, captured_of, place_of
from bootmend.switches.setting import Place


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
            for switch, place, left in _turned_off(entry):
                if left:
                    layers.leave(switch, place)
                else:
                    layers.turned_off(switch, place)
        return layers

    def held_by(self, switch: str) -> list[Captured]:
        """What a `disable` of the switch has to put back; empty where it is not on."""
        return [layer.captured for stack in self._places.values() for layer in stack if layer.switch == switch]

    def above(self, switch: str, place: Place) -> str | None:
        """The switch that was turned on after it and holds the place now."""
        stack = self._places.get(place, [])
        if stack and stack[-1].switch != switch and any(layer.switch == switch for layer in stack):
            return stack[-1].switch
        return None

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
        self._places.setdefault(place, []).append(Layer(switch, captured))

    def turned_off(self, switch: str, place: Place) -> None:
        stack = self._places.get(place, [])
        for at, layer in enumerate(stack):
            if layer.switch == switch:
                del stack[at]
                if at < len(stack):
                    above = stack[at].captured
                    inherited = replace(above, before=layer.captured.before, made=layer.captured.made + above.made)
                    stack[at] = replace(stack[at], captured=inherited)
                return

    def leave(self, switch: str, place: Place) -> None:
        stack = self._places.get(place, [])
        for at, layer in enumerate(stack):
            if layer.switch == switch:
                stack[at] = replace(layer, left=True)


def _turned_off(entry: HistoryEntry) -> list[tuple[str, Place, bool]]:
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
