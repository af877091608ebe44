"""SrtTrail.txt: startup repair has looked at this machine, because starts had failed.

Its words are in Windows' language: only its own time stamp, error codes and the files it names are read.
"""

from __future__ import annotations

import ntpath
import re
from collections.abc import Iterator

from bootmend.texts import say
from bootmend.windows.witnesses.observation import Kind, Observation
from bootmend.windows.witnesses.scene import Scene

FILE = "System32\\LogFiles\\Srt\\SrtTrail.txt"
MOST_BYTES = 128 << 10
MOST_NAMED = 4
_CODE = re.compile(r"=\s*(0x[0-9a-fA-F]{1,8})\b")
_IMAGE = re.compile(r"[A-Za-z]:\\[^\s:*?\"<>|]{1,200}\.(?:sys|exe|dll|efi)\b", re.IGNORECASE)


def look(scene: Scene) -> Iterator[Observation]:
    entry = scene.files.stat(f"{scene.path}\\{FILE}")
    text = scene.text(FILE, MOST_BYTES)
    codes = list(dict.fromkeys(f"0x{int(found, 16):X}" for found in _CODE.findall(text) if int(found, 16)))
    files = list(dict.fromkeys(_IMAGE.findall(text)))
    said = ", ".join([*codes[-MOST_NAMED:], *files[-MOST_NAMED:]])
    what = say("timeline.startup_repair", said=said) if said else say("timeline.startup_repair_silent")
    subject = ntpath.basename(files[-1]) if files else ""
    yield Observation(entry.modified or None, Kind.FAILED, what, scene.where(FILE), subject)
