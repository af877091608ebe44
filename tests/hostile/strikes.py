"""Every area of a disk that can be struck, and one case of it by its seed."""

from __future__ import annotations

import random
from collections.abc import Callable

from hostile import files, ntfs, volumes, witnesses
from hostile.terrain import Strike, Terrain

AREAS: dict[str, Callable[[Terrain, random.Random], Strike]] = {
    "table": volumes.table,
    "boot": volumes.boot,
    "records": ntfs.records,
    "sizes": ntfs.sizes,
    "folders": ntfs.folders,
    "system-files": ntfs.system_files,
    "hives": files.hives,
    "values": files.values,
    "store": files.store,
    "catalogs": files.catalogs,
    "drivers": files.drivers,
    "event-logs": witnesses.event_logs,
    "fat": volumes.fat,
}


def strike(ground: Terrain, area: str, seed: int) -> Strike:
    """What case `seed` of an area writes over a disk; the same for the same disk."""
    dice = random.Random(f"{area} {seed}")
    found = AREAS[area](ground, dice)
    if dice.random() < 0.15:
        found += AREAS[dice.choice(tuple(AREAS))](ground, dice)
    return found
