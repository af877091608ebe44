"""What the commands of a cloud tell other programs; keys are a promise: add freely, rename nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bootmend import __version__
from bootmend.clouds.cloud import Machine, Obstacle, Sight, Thing
from bootmend.clouds.run import Run
from bootmend.clouds.sight import Shown, screen_shows, serial_shows

SCHEMA = "bootmend.cloud/1"
SCHEMA_MANY = "bootmend.clouds/1"
"""Of a command that was given several machines: a list of them."""

Document = dict[str, Any]


def head(command: str) -> Document:
    return {"schema": SCHEMA, "bootmend": __version__, "command": command}


def machine(found: Machine) -> Document:
    return {
        "id": found.id,
        "name": found.name,
        "place": found.place,
        "power": found.power.value,
        "disk": found.disk,
    }


def sight(seen: Sight) -> Document:
    return {
        "power": seen.power.value,
        "agent": seen.agent,
        "agent_when": seen.agent_when.isoformat() if seen.agent_when is not None else None,
        "screen": _shown(screen_shows(seen.screen)),
        "serial": _shown(serial_shows(seen.serial)),
        "unseen": list(seen.unseen),
    }


def run(one: Run) -> Document:
    return {
        "id": one.id,
        "machine": one.machine,
        "how": one.how,
        "stage": one.stage.value,
        "steps": one.steps,
        "was_running": one.was_running,
        "old_disk": one.old_disk,
        "new_disk": one.new_disk or None,
        "backup": one.backup or None,
        "outcome": one.outcome or None,
        "verdict": one.verdict or None,
        "reason": one.reason or None,
    }


def things(made: Iterable[Thing]) -> list[Document]:
    return [{"id": one.id, "kind": one.kind, "run": one.run, "role": one.role} for one in made]


def obstacles(found: Iterable[Obstacle]) -> list[Document]:
    return [
        {"told": one.told, "next_step": one.next_step, "bars": sorted(way.value for way in one.ways)} for one in found
    ]


def _shown(one: Shown | None) -> Document | None:
    return {"meaning": one.meaning.value, "told": one.told} if one is not None else None
