"""What a switch is: a name, its variants, and the settings each of them wants on a given machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bootmend.switches.machine import Machine
from bootmend.switches.setting import Setting


def _nothing_to_say(_machine: Machine, _variant: str) -> list[str]:
    return []


@dataclass(frozen=True, slots=True)
class Switch:
    """One of the article's switches."""

    name: str
    variants: tuple[str, ...]
    """Ways it can be on: `full` and `minimal`, `network`, `kernel`; the usual one first."""
    settings: Callable[[Machine, str], list[Setting]]
    """What that variant wants on this machine. Raises Missing where there is no place for it."""
    usual: Callable[[Machine], str]
    """The variant for a user who asked for none."""
    remarks: Callable[[Machine, str], list[str]] = _nothing_to_say
    """What the user should know once it is on: whole sentences."""
