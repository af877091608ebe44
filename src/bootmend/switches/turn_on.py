"""Turning switches on: what stands there is captured, what is wanted is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bootmend.switches.capture import Captured
from bootmend.switches.layers import Layers
from bootmend.switches.machine import Machine
from bootmend.switches.setting import Place, Setting, Stored, same
from bootmend.switches.switch import Switch


@dataclass(frozen=True, slots=True)
class Changed:
    """A place that reads differently now."""

    place: Place
    before: Stored | None
    after: Stored | None


@dataclass(slots=True)
class TurnedOn:
    switch: Switch
    variant: str
    changed: list[Changed] = field(default_factory=list)
    captured: list[Captured] = field(default_factory=list)
    """For the journal: every place of the switch, changed or not, and places it held already."""
    remarks: list[str] = field(default_factory=list)


def turn_on(machine: Machine, wanted: Mapping[Switch, str], layers: Layers) -> list[TurnedOn]:
    """Turns each switch on in its variant, in that order, on the machine's desk.

    Raises Missing (no store, no loader, no control set) and Refused (a hive that may not be written).
    """
    done = []
    for switch, variant in wanted.items():
        turned = TurnedOn(switch, variant)
        for setting in switch.settings(machine, variant):
            captured = _put(machine, setting, turned.changed)
            first = layers.way_back(switch.name, setting.place)
            if first is not None:
                captured = Captured(captured.place, first.before, captured.after, first.made + captured.made)
            turned.captured.append(captured)
        places = {captured.place for captured in turned.captured}
        turned.captured += [held for held in layers.held_by(switch.name) if held.place not in places]
        for captured in turned.captured:
            layers.turned_on(switch.name, captured)
        turned.remarks = switch.remarks(machine, variant)
        done.append(turned)
    return done


def _put(machine: Machine, setting: Setting, changed: list[Changed]) -> Captured:
    place, before = setting.place, machine.read(setting.place)
    if same(place, before, setting.wanted):
        return Captured(place, before, before)
    made = machine.write(place, setting.wanted, setting.object_type)
    changed.append(Changed(place, before, setting.wanted))
    return Captured(place, before, setting.wanted, tuple(made))
