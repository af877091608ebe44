"""Lines that change a setting: `/set`, `/deletevalue`, `/ems`, `/emssettings`, `/timeout` and their like.

"BCDEdit /set", "/deletevalue", "/ems", "/bootems", "/emssettings", "/debug", "/bootdebug", "/event" and "/timeout"
in Microsoft's documentation. Where the identifier is left out there, {current} is meant; run.py says
what that means here.
"""

from __future__ import annotations

from collections.abc import Callable

from bootmend.commands.bcdedit.identifiers import check_identifier, did_you_mean, refuse_placeholder
from bootmend.commands.bcdedit.lines import Command, DeleteValue, EmsSettings, Set, ShowSettings, Switch, Timeout
from bootmend.commands.bcdedit.values import BOOLEANS, read_integer
from bootmend.commands.bcdedit.words import no_more, refuse_missing_braces, take_place, take_target
from bootmend.errors import Misuse
from bootmend.formats.bcd import WELL_KNOWN
from bootmend.texts import say

LONGEST_TIMEOUT = 0xFFFF_FFFF


def parse_set(words: list[str]) -> Command:
    target, place = take_target(words), take_place(words)
    if len(words) > 2 or (target is None and len(words) == 2 and words[0].lower() in WELL_KNOWN):
        refuse_missing_braces(words)
    if not words:
        raise Misuse(say("bcdedit.set_needs_element"))
    refuse_placeholder(words[0])
    if len(words) == 1:
        raise Misuse(say("bcdedit.set_needs_value", element=words[0]))
    for word in words[1:]:
        if word.startswith("{"):
            check_identifier(word)
    return Set(target, words[0], tuple(words[1:]), place)


def parse_delete_value(words: list[str]) -> Command:
    target = take_target(words)
    if len(words) > 1:
        refuse_missing_braces(words)
    if not words:
        raise Misuse(say("bcdedit.delete_needs_element"))
    no_more(words[1:], "/deletevalue")
    return DeleteValue(target, words[0])


def parse_switch(command: str, element: str, *, of_any: bool = False) -> Callable[[list[str]], Command]:
    def parse(words: list[str]) -> Command:
        target = take_target(words)
        if len(words) > 1:
            refuse_missing_braces(words)
        if not words or words[0].lower() not in BOOLEANS:
            raise Misuse(say("bcdedit.on_or_off", command=command, word=words[0] if words else ""))
        no_more(words[1:], command)
        if target is None and of_any:
            raise Misuse(say("bcdedit.needs_target", default="{default}", command=command))
        return Switch(element, target, BOOLEANS[words[0].lower()])

    return parse


def parse_ems_settings(words: list[str]) -> Command:
    if not words:
        return ShowSettings("{emssettings}")
    if words[0].lower() == "bios":
        no_more(words[1:], "/emssettings BIOS")
        return EmsSettings()
    given: dict[str, int] = {}
    for word in words:
        name, colon, number = word.partition(":")
        if not colon or name.lower() not in ("emsport", "emsbaudrate"):
            near = did_you_mean(name, ("bios", "emsport", "emsbaudrate"))
            raise Misuse(say("bcdedit.ems_word", word=word, meant=near))
        if name.lower() in given:
            raise Misuse(say("bcdedit.twice", word=word))
        given[name.lower()] = read_integer(number, word)
    if "emsport" not in given:
        raise Misuse(say("bcdedit.ems_port"))
    if not 1 <= given["emsport"] <= 255:
        raise Misuse(say("bcdedit.ems_port_number", number=given["emsport"]))
    if given.get("emsbaudrate", 1) == 0:
        raise Misuse(say("bcdedit.ems_baud_rate"))
    return EmsSettings(given["emsport"], given.get("emsbaudrate"))


def parse_timeout(words: list[str]) -> Command:
    if not words:
        raise Misuse(say("bcdedit.timeout_needs_seconds"))
    no_more(words[1:], "/timeout")
    seconds = read_integer(words[0], words[0])
    if seconds > LONGEST_TIMEOUT:
        raise Misuse(say("bcdedit.timeout_too_long", word=words[0]))
    return Timeout(seconds)
