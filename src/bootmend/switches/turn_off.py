"""Turning switches off: exactly what was captured comes back, element by element and value by value.

What somebody has changed since (it holds neither what the switch put there nor what stood there
before) is left alone and told; `force` puts it back all the same. What a switch turned on later
still holds stays, and that one gets the way back (layers.py). A switch that was turned off before is
measured by what it had captured then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bootmend.switches.capture import Captured
from bootmend.switches.layers import Layers
from bootmend.switches.machine import Machine
from bootmend.switches.setting import Place, Setting, same
from bootmend.switches.switch import Switch
from bootmend.switches.turn_on import Changed
from bootmend.texts import say


@dataclass(slots=True)
class TurnedOff:
    switch: Switch
    known: bool
    """Whether there was a capture to go by."""
    changed: list[Changed] = field(default_factory=list)
    back: list[Place] = field(default_factory=list)
    """Places the switch has no hold on any more."""
    left: list[Place] = field(default_factory=list)
    """Places that were left alone."""
    remarks: list[str] = field(default_factory=list)
    """Why, of each; and what else there is to say."""


def turn_off(
    machine: Machine, switch: Switch, captured: Sequence[Captured], layers: Layers, *, force: bool = False
) -> TurnedOff:
    """Puts back what was captured on the machine's desk; without a capture, takes away what the switch sets."""
    past = layers.past(switch.name) if not captured else None
    if past is not None:
        turned = TurnedOff(switch, known=True, remarks=[say("switches.off_before", switch=switch.name)])
        wanted = _by_place(machine, switch)
        for one in reversed(past):
            _put_back(machine, one, turned, layers, force, wanted.get(one.place, ()))
        known = {one.place for one in past}
        for place, settings in wanted.items():
            if place not in known and layers.holder(switch.name, place) is None:
                _look_at_unknown(machine, place, settings, turned, force)
        turned.back = [one.place for one in turned.changed]
        return turned
    turned = TurnedOff(switch, bool(captured))
    if captured:
        for one in reversed(captured):
            _put_back(machine, one, turned, layers, force)
        for one in reversed(captured):
            if one.made and one.place in turned.back and layers.above(switch.name, one.place) is None:
                machine.unmake(one.place, list(one.made))
        for place in turned.back:
            layers.turned_off(switch.name, place)
        return turned
    turned.remarks.append(say("switches.no_capture", switch=switch.name))
    for place, settings in _by_place(machine, switch).items():
        holder = layers.holder(switch.name, place)
        if holder is None:
            _take_away(machine, place, settings, turned, force)
        else:
            turned.remarks.append(say("switches.held", where=place.where, switch=holder))
    return turned


def _put_back(
    machine: Machine,
    one: Captured,
    turned: TurnedOff,
    layers: Layers,
    force: bool,
    settings: Iterable[Setting] = (),
) -> None:
    """`settings` are what else counts as the switch's own doing in that place."""
    place = one.place
    holder = layers.above(turned.switch.name, place)
    if holder is not None:
        turned.back.append(place)
        turned.remarks.append(say("switches.held", where=place.where, switch=holder))
        return
    if not machine.there(place) and one.before is not None:
        turned.left.append(place)
        turned.remarks.append(say("switches.gone", where=place.where))
        return
    now = machine.read(place)
    if same(place, now, one.before):
        turned.back.append(place)
    elif force or any(same(place, now, ours) for ours in (one.after, *(each.wanted for each in settings))):
        machine.write(place, one.before)
        turned.changed.append(Changed(place, now, one.before))
        turned.back.append(place)
    else:
        turned.left.append(place)
        turned.remarks.append(_left_alone(place, place.show(now), place.show(one.before)))


def _look_at_unknown(
    machine: Machine, place: Place, settings: Sequence[Setting], turned: TurnedOff, force: bool
) -> None:
    """A place that the earlier `enable` never touched, such as another loader that is the default one now."""
    now = machine.read(place)
    if not any(each.telling and same(place, now, each.wanted) for each in settings):
        return
    if force:
        _take_away(machine, place, settings, turned, force)
    else:
        turned.left.append(place)
        turned.remarks.append(say("switches.unknown_before", where=place.where, now=place.show(now)))


def _left_alone(place: Place, now: str | None, before: str | None) -> str:
    nothing = say("switches.nothing")
    return say("switches.left", where=place.where, now=now or nothing, before=before or nothing)


def _by_place(machine: Machine, switch: Switch) -> Mapping[Place, list[Setting]]:
    """Every setting that any variant of the switch has, by its place."""
    found: dict[Place, list[Setting]] = {}
    for variant in switch.variants:
        for setting in switch.settings(machine, variant):
            found.setdefault(setting.place, []).append(setting)
    return found


def _take_away(machine: Machine, place: Place, settings: Iterable[Setting], turned: TurnedOff, force: bool) -> None:
    now = machine.read(place)
    first = next(iter(settings))
    if now is None or first.keep or any(same(place, now, one) for one in (first.without, *first.off)):
        return
    if force or any(same(place, now, setting.wanted) for setting in settings):
        machine.write(place, first.without)
        turned.changed.append(Changed(place, now, first.without))
    else:
        turned.remarks.append(say("switches.foreign", where=place.where, now=place.show(now)))
