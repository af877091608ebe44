"""System.evtx: starts and stops, crashes, drivers that did not start or were installed, updates.

Source: Microsoft's public descriptions of the events: EventLog 6005, 6006, 6008; Kernel-General 12, 13;
Kernel-Boot 20; Kernel-Power 41 (BugcheckCode is decimal, 0 where there was no time to write it);
WER-SystemErrorReporting (BugCheck) 1001; Service Control Manager 7000, 7001, 7026, 7045;
WindowsUpdateClient 19, 20. Most of them tell of the start before the one that wrote them.
"""

from __future__ import annotations

import ntpath
import re
from collections.abc import Callable, Iterator

from bootmend.formats.event_log import Event
from bootmend.formats.filetime import filetime_of
from bootmend.texts import say
from bootmend.windows.witnesses.observation import Kind, Observation
from bootmend.windows.witnesses.scene import Scene

LOG = "System"
MOST_CHUNKS = 40
"""2.6 MB, three weeks of an ordinary machine, a tenth of a second."""

_DEFENDER_DRIVER, _DEFENDER_UPDATE = "MpKsl", "KB2267602"
"""Defender's daily intelligence updates and the drivers in them: several a day, on every machine."""

Told = tuple[Kind, str, str]
"""Kind, what, and the file it is about."""


def look(scene: Scene) -> Iterator[Observation]:
    for event in scene.events(LOG, MOST_CHUNKS).events:
        tell = _EVENTS.get((event.provider.removeprefix("Microsoft-Windows-"), event.id))
        told = tell(event) if tell is not None else None
        if told is not None:
            kind, what, subject = told
            yield Observation(filetime_of(event.when), kind, what, scene.log(LOG, event.record), subject)


def _value(event: Event, name: str) -> str:
    """On one line, without the marks that Windows puts around dates."""
    return " ".join(event.data.get(name, "").replace("\u200e", "").split())


def _power(event: Event) -> Told:
    code = _value(event, "BugcheckCode")
    number = int(code) if code.isascii() and code.isdecimal() and len(code) < 11 else 0
    words = say("timeline.crash_code", code=f"0x{number:X}") if number else say("timeline.crash_no_code")
    return Kind.CRASHED, words, ""


_STOP = re.compile(r"0x[0-9a-fA-F]{1,8}")


def _bug_check(event: Event) -> Told | None:
    found = _STOP.search(_value(event, "param1") or _value(event, "1"))
    if found is None:
        return None
    return Kind.CRASHED, say("timeline.bug_check", code=f"0x{int(found[0], 16):X}"), ""


def _last_boot(event: Event) -> Told | None:
    """Kernel-Boot 20 tells of the start before: only a bad one is worth a line."""
    if _value(event, "LastBootGood").lower() != "false":
        return None
    return Kind.FAILED, say("timeline.last_boot_bad"), ""


def _not_started(event: Event) -> Told | None:
    name = _value(event, "param1")
    return (Kind.SERVICE, say("timeline.not_started", name=name), "") if name else None


def _installed(event: Event) -> Told | None:
    image = _value(event, "ImagePath")
    name = _value(event, "ServiceName")
    if not image.lower().endswith(".sys") or name.startswith(_DEFENDER_DRIVER):
        return None
    return Kind.DRIVER, say("timeline.service_installed", name=name, image=image), ntpath.basename(image)


def _updated(event: Event) -> Told | None:
    if _DEFENDER_UPDATE in event.data.get("updateTitle", ""):
        return None
    return Kind.UPDATED, say("timeline.updated", title=_value(event, "updateTitle") or "?"), ""


def _not_updated(event: Event) -> Told:
    title, code = _value(event, "updateTitle") or "?", _value(event, "errorCode")
    return Kind.UPDATED, say("timeline.not_updated", title=title, code=code), ""


def _plain(kind: Kind, key: str) -> Callable[[Event], Told]:
    return lambda _event: (kind, say(key), "")


_EVENTS: dict[tuple[str, int], Callable[[Event], Told | None]] = {
    ("EventLog", 6005): _plain(Kind.STARTED, "timeline.started"),
    ("EventLog", 6008): _plain(Kind.CRASHED, "timeline.unexpected"),
    ("Kernel-General", 13): _plain(Kind.STOPPED, "timeline.stopped"),
    ("Kernel-Boot", 20): _last_boot,
    ("Kernel-Power", 41): _power,
    ("WER-SystemErrorReporting", 1001): _bug_check,
    ("BugCheck", 1001): _bug_check,
    ("Service Control Manager", 7000): _not_started,
    ("Service Control Manager", 7001): _not_started,
    ("Service Control Manager", 7026): _not_started,
    ("Service Control Manager", 7045): _installed,
    ("WindowsUpdateClient", 19): _updated,
    ("WindowsUpdateClient", 20): _not_updated,
}
"""6006 and 6009 say no more than 13 and 6005 beside them; 12 is written for starts that fail later, too."""
