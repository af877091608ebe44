"""All switches by name, and which variant of each the user's options mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bootmend.errors import Misuse
from bootmend.switches import crash_debug, serial_console
from bootmend.switches.crash_debug import CRASH_DEBUG
from bootmend.switches.crash_dump import CRASH_DUMP
from bootmend.switches.machine import Machine
from bootmend.switches.safe_mode import SAFE_MODE
from bootmend.switches.serial_console import SERIAL_CONSOLE
from bootmend.switches.switch import Switch
from bootmend.texts import say

SWITCHES: dict[str, Switch] = {switch.name: switch for switch in (SERIAL_CONSOLE, CRASH_DUMP, SAFE_MODE, CRASH_DEBUG)}


@dataclass(frozen=True, slots=True)
class Options:
    """How the user wants them; each goes with one switch."""

    minimal: bool = False
    mode: str | None = None
    type: str | None = None
    article_exact: bool = False

    def _asked(self) -> dict[str, tuple[str, str]]:
        """By switch: the option as the user typed it, and the variant it means."""
        asked = {}
        if self.minimal:
            asked[SERIAL_CONSOLE.name] = ("--minimal", serial_console.MINIMAL)
        if self.mode is not None:
            asked[SAFE_MODE.name] = ("--mode", self.mode)
        if self.type is not None:
            asked[CRASH_DUMP.name] = ("--type", self.type)
        if self.article_exact:
            asked[CRASH_DEBUG.name] = ("--article-exact", crash_debug.ARTICLE_EXACT)
        return asked

    def check(self, switches: Sequence[Switch]) -> None:
        """Raises Misuse for an option whose switch is not among them, or a variant that it does not have."""
        named = {switch.name for switch in switches}
        for name, (option, variant) in self._asked().items():
            if name not in named:
                raise Misuse(say("switches.option_of_another", option=option, switch=name))
            known = SWITCHES[name].variants
            if variant not in known:
                raise Misuse(say("switches.no_such_variant", option=option, word=variant, known=", ".join(known)))

    def variant(self, switch: Switch, machine: Machine) -> str:
        asked = self._asked().get(switch.name)
        return asked[1] if asked is not None else switch.usual(machine)


def switches_named(words: Sequence[str]) -> list[Switch]:
    """In the user's order, each once. Raises Misuse naming the word that is no switch."""
    for word in words:
        if word not in SWITCHES:
            raise Misuse(say("switches.no_such_switch", word=word, known=", ".join(SWITCHES)))
    return [SWITCHES[word] for word in dict.fromkeys(words)]
