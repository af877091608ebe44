"""What a picture or a serial log of a starting machine means for the boot watch."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from bootmend.errors import InputError
from bootmend.screens import Kind, Screen, SerialVerdict, read_screen, read_serial_log
from bootmend.texts import say


class Meaning(StrEnum):
    FAILED = "failed"
    """It stopped, and says so."""
    WORKING = "working"
    """It works on something that takes its time, such as updates."""
    STARTING = "starting"
    """It is on its way, or stuck on it."""
    UNSURE = "unsure"
    """A picture that proves nothing, such as a desktop, or that could not be read."""


@dataclass(frozen=True, slots=True)
class Shown:
    meaning: Meaning
    told: str


_MEANINGS = {
    Kind.STOP: Meaning.FAILED,
    Kind.BOOT_MANAGER: Meaning.FAILED,
    Kind.RECOVERY: Meaning.FAILED,
    Kind.BIOS: Meaning.FAILED,
    Kind.WINRE: Meaning.FAILED,
    Kind.GETTING_READY: Meaning.WORKING,
    Kind.UPDATING: Meaning.WORKING,
    Kind.SETUP: Meaning.WORKING,
    Kind.MENU: Meaning.STARTING,
    Kind.STUCK: Meaning.STARTING,
    Kind.LOGO: Meaning.STARTING,
    Kind.STARTING: Meaning.STARTING,
}
"""What is not here proves nothing: services may fail behind a desktop, and Windows switches off a display that nobody
used for ten minutes, so black may be a machine that runs well."""


def screen_shows(picture: bytes | None) -> Shown | None:
    """None where there is no picture."""
    return _read_picture(picture) if picture is not None else None


@lru_cache(maxsize=4)
def _read_picture(picture: bytes) -> Shown:
    """Reading letters off a picture takes a second or so, and a screen that stands still shows the same one again."""
    try:
        screen = read_screen(picture, say("clouds.screen"))
    except InputError as error:  # no picture after all, or nothing here that reads pictures
        return Shown(Meaning.UNSURE, str(error))
    return _shown(screen, "clouds.screen_shows")


def serial_shows(log: str | None) -> Shown | None:
    """None where the log says nothing."""
    if not log:
        return None
    verdict = read_serial_log(log, say("clouds.serial"))
    return _shown(verdict, "clouds.serial_shows") if verdict.sure else None


def _shown(seen: Screen | SerialVerdict, key: str) -> Shown:
    codes = [seen.stop_name or "", f"0x{seen.status:08X}" if seen.status is not None else "", seen.image or ""]
    if seen.stop is not None and not seen.stop_name:
        codes[0] = f"0x{seen.stop:X}"
    words = " ".join([say(f"clouds.kind_{seen.kind.value}"), *filter(None, codes)])
    meaning = _MEANINGS.get(seen.kind, Meaning.UNSURE)
    if seen.sure:
        return Shown(meaning, say(key, what=words))
    # A guess at bad news is no verdict, but it is no sign of life either: it counts when the time is over.
    return Shown(Meaning.STARTING if meaning is Meaning.FAILED else Meaning.UNSURE, say("clouds.perhaps", what=words))
