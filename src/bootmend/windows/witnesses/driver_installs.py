"""inf\\setupapi.dev.log: sections in which a driver's service was added or changed.

Times are local. Source: Microsoft's "SetupAPI text logs": a section begins with `>>>  [what]` and
`>>>  Section start`, and ends with `<<<  [Exit status: ...]`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from bootmend.texts import say
from bootmend.windows.witnesses.observation import Kind, Observation
from bootmend.windows.witnesses.scene import Scene

FILE = "INF\\setupapi.dev.log"
MOST_BYTES = 1 << 20
MOST_NAMED = 4
_SECTION = re.compile(
    r"^>>>  \[(?P<what>[^\r\n]{1,300})\]\r?\n>>>  Section start (?P<when>\d{4}/\d\d/\d\d \d\d:\d\d:\d\d)", re.MULTILINE
)
_SERVICE = re.compile(r"(?:\{Add Service: (?!exit\b)|AddService=|Created service ')([\w.-]{1,100})")


def look(scene: Scene) -> Iterator[Observation]:
    text = scene.text(FILE, MOST_BYTES)
    sections = list(_SECTION.finditer(text))
    for number, section in enumerate(sections):
        end = sections[number + 1].start() if number + 1 < len(sections) else len(text)
        services = list(dict.fromkeys(_SERVICE.findall(text, section.end(), end)))
        if services:
            try:
                when = scene.utc(datetime.strptime(section["when"], "%Y/%m/%d %H:%M:%S"))
            except ValueError:
                when = None
            names = ", ".join(services[:MOST_NAMED])
            what = say("timeline.driver_installed", what=section["what"].strip(), names=names)
            yield Observation(when, Kind.DRIVER, what, scene.where(FILE))
