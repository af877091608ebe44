"""Control\\Windows\\ShutdownTime: when Windows was last shut down properly (FILETIME)."""

from __future__ import annotations

from collections.abc import Iterator

from bootmend.formats.filetime import moment
from bootmend.texts import say
from bootmend.windows.witnesses.observation import Kind, Observation
from bootmend.windows.witnesses.scene import Scene

KEY, VALUE = "Control\\Windows", "ShutdownTime"


def look(scene: Scene) -> Iterator[Observation]:
    key = scene.control(KEY)
    value = key.value(VALUE) if key is not None else None
    when = int.from_bytes(value.data, "little") if value is not None and len(value.data) == 8 else 0
    if moment(when) is not None:
        yield Observation(when, Kind.STOPPED, say("timeline.stopped"), f"SYSTEM hive, {KEY}: {VALUE}")
