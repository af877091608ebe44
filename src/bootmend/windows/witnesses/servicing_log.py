"""Logs\\CBS\\CBS.log: the marks of a component store in trouble, at the log's end.

ERROR_LOG_FULL (0x800719e4) is a transaction log without room, STATUS_LOG_FULL the same from the kernel; 0x80073712
and "Mark store corruption" are a damaged store. Codes and names are the same in every language; times are local.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from bootmend.texts import say
from bootmend.windows.witnesses.observation import Kind, Observation
from bootmend.windows.witnesses.scene import Scene

FILE = "Logs\\CBS\\CBS.log"
MOST_BYTES = 512 << 10
_MARK = re.compile(
    r"^(?P<when>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d), [^\r\n]*?"
    r"(?P<mark>0x800719e4|ERROR_LOG_FULL|STATUS_LOG_FULL|0x80073712|Mark store corruption)",
    re.MULTILINE | re.IGNORECASE,
)


def look(scene: Scene) -> Iterator[Observation]:
    newest: dict[str, str] = {}
    for found in _MARK.finditer(scene.text(FILE, MOST_BYTES)):
        newest[found["mark"].lower()] = found["when"]
    for mark, local in newest.items():
        try:
            when = scene.utc(datetime.strptime(local, "%Y-%m-%d %H:%M:%S"))
        except ValueError:
            when = None
        yield Observation(when, Kind.STORE, say("timeline.store_trouble", mark=mark), scene.where(FILE))
