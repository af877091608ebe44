"""What a machine's own logs and leftovers say of its last starts: one witness a file, each with `look(scene)`.

    Scene (one Windows, its files) -> every witness -> Observation, Observation, ... -> timeline

An observation has an address and, nearly always, a time. It is never a cause by itself: it corroborates or
contradicts what was found on the disk. Witnesses read little (`Scene.tail`): a log is only read at its end.
What is not there says nothing; what cannot be read is told, because it is not the same as nothing.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache

from bootmend.errors import InputError, Missing, Unequipped
from bootmend.windows.witnesses.observation import Observation
from bootmend.windows.witnesses.scene import Scene

MOST = 5000
"""Observations of one witness; it bounds time and memory on a hostile disk."""


@dataclass(slots=True)
class Hearing:
    observations: list[Observation] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    """Why a witness could not be heard, each with its file."""


def hear(scene: Scene) -> Hearing:
    """Asks every witness."""
    heard = Hearing()
    for look in _witnesses():
        try:
            for number, observation in enumerate(look(scene)):
                if number == MOST:
                    break
                heard.observations.append(observation)
        except (Missing, Unequipped):
            continue
        except InputError as reason:
            heard.unread.append(str(reason))
    return heard


@cache
def _witnesses() -> list[Callable[[Scene], Iterator[Observation]]]:
    modules = (importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))
    return [module.look for module in modules if hasattr(module, "look")]
