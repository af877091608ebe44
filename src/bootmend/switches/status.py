"""How the switches stand: read from the machine as it is, whoever turned them.

on       everything some variant of the switch wants is there
off      nothing of it is there that a machine does not have by itself
partly   some of what tells it is there
other    a telling place holds something that no variant puts there
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bootmend.switches.machine import Machine
from bootmend.switches.setting import Setting, Stored, same
from bootmend.switches.switch import Switch


class State(StrEnum):
    ON = "on"
    OFF = "off"
    PARTLY = "partly"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Seen:
    """One setting as it stands."""

    setting: Setting
    now: Stored | None

    @property
    def as_wanted(self) -> bool:
        return same(self.setting.place, self.now, self.setting.wanted)

    @property
    def off(self) -> bool:
        return self.now is None or any(same(self.setting.place, self.now, one) for one in self.setting.off)


@dataclass(frozen=True, slots=True)
class Standing:
    """One switch as it stands, beside the variant that it is nearest to."""

    switch: Switch
    state: State
    variant: str
    seen: list[Seen]


def standing(machine: Machine, switch: Switch) -> Standing:
    """Raises Missing where the machine has no place for the switch."""
    usual = switch.usual(machine)
    variants = {
        variant: [Seen(setting, machine.read(setting.place)) for setting in switch.settings(machine, variant)]
        for variant in dict.fromkeys((usual, *switch.variants))
    }
    whole = {variant: seen for variant, seen in variants.items() if all(one.as_wanted for one in seen)}
    if whole:
        variant = max(whole, key=lambda name: len(whole[name]))
        return Standing(switch, State.ON, variant, whole[variant])
    variant = max(variants, key=lambda name: sum(one.as_wanted for one in variants[name]))
    telling = [one for one in variants[variant] if one.setting.telling]
    if any(one.as_wanted for one in telling):
        state = State.PARTLY
    elif all(one.off for one in telling):
        state = State.OFF
    else:
        state = State.OTHER
    return Standing(switch, state, variant, variants[variant])
