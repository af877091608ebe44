"""ntbtlog.txt: which drivers the last logged start loaded, and which it did not.

It is written where boot logging is on, UTF-16 on Windows 8 and later; each start begins with its local time in
English order (month day year) and appends. Lines begin with BOOTLOG_LOADED or BOOTLOG_NOT_LOADED, on older
builds with words in Windows' language: there nothing but the time is read. Not loaded is no fault by itself:
a real log of a sound machine has 1,518 such lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from bootmend.texts import say
from bootmend.windows.witnesses.observation import Kind, Observation
from bootmend.windows.witnesses.scene import Scene

FILE = "ntbtlog.txt"
MOST_BYTES = 512 << 10
_START = re.compile(r"^\W*\w?\s*(\d{1,2})\s+(\d{1,2})\s+(\d{4})\s+(\d\d):(\d\d):(\d\d)\b", re.MULTILINE)
_LAST = re.compile(r"^(?:BOOTLOG_LOADED|Loaded driver)\s+(\S.*?)\s*$", re.MULTILINE)


def look(scene: Scene) -> Iterator[Observation]:
    text = scene.text(FILE, MOST_BYTES)
    starts = list(_START.finditer(text))
    if not starts:
        return
    month, day, year, hour, minute, second = (int(number) for number in starts[-1].groups())
    try:
        when = scene.utc(datetime(year, month, day, hour, minute, second))
    except ValueError:
        when = None
    lines = text[starts[-1].end() :]
    loaded = [found[1] for found in _LAST.finditer(lines)]
    what = say("timeline.boot_log", count=len(loaded), last=loaded[-1] if loaded else "?")
    yield Observation(when, Kind.TRIED, what, scene.where(FILE))
