"""The words of bcdedit -> a Line. Pure: no disk, no store.

By bcdedit's own help and "BCDEdit command-line options" in Microsoft's documentation. Commands and
options begin with `/` or `-`, in any case. Whatever is not understood is a Misuse that names the word.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from bootmend.commands.bcdedit.debugger import parse_debugger_settings
from bootmend.commands.bcdedit.entry_words import (
    parse_copy,
    parse_create,
    parse_default,
    parse_delete,
    parse_export,
    parse_import,
    parse_order,
)
from bootmend.commands.bcdedit.identifiers import check_identifier, did_you_mean, refuse_placeholders
from bootmend.commands.bcdedit.lines import Command, Enumerate, Help, Line
from bootmend.commands.bcdedit.setting_words import (
    parse_delete_value,
    parse_ems_settings,
    parse_set,
    parse_switch,
    parse_timeout,
)
from bootmend.commands.bcdedit.words import no_more, option, require_text, take_store
from bootmend.errors import Misuse, Refused
from bootmend.texts import say

ENTRY_TYPES = ("active", "firmware", "bootapp", "bootmgr", "osloader", "resume", "inherit", "all")
_ONLY_A_DRIVE = re.compile(r"[A-Za-z]:")


def parse_line(words: Sequence[str]) -> Line:
    """Raises Misuse for words bcdedit would not understand, Refused for what cannot be done off line."""
    rest = list(words)
    if rest and rest[0].lower() in ("bcdedit", "bcdedit.exe"):
        rest.pop(0)
    require_text(rest)
    refuse_placeholders(rest)
    store = take_store(rest)
    if not rest:
        return Line(Enumerate(), store)
    name = option(rest[0])
    if name is None:
        if _ONLY_A_DRIVE.fullmatch(store):
            meant = store + "\\" + rest[0].lstrip("\\")
            raise Misuse(say("bcdedit.broken_path", drive=store, rest=rest[0], meant=meant))
        raise Misuse(say("bcdedit.no_command", word=rest[0], meant=did_you_mean(rest[0], _COMMANDS)))
    if name in _NOT_HERE:
        raise Refused(say("bcdedit.not_here", word=rest[0]), say(_NOT_HERE[name]))
    if name not in _COMMANDS:
        raise Misuse(say("bcdedit.unknown_command", word=rest[0], meant=did_you_mean(name, _COMMANDS)))
    arguments = rest[1:]
    if [option(word) for word in arguments] == ["?"]:
        return Line(Help(), store)
    if name != "set":  # a value may be anything, `/store` too
        store = take_store(arguments, anywhere=True) or store
    return Line(_COMMANDS[name](arguments), store)


def _enumerate(words: list[str]) -> Command:
    full = any(option(word) == "v" for word in words)
    rest = [word for word in words if option(word) != "v"]
    if not rest:
        return Enumerate(full=full)
    no_more(rest[1:], "/enum")
    if rest[0].lower() in ENTRY_TYPES:
        return Enumerate(rest[0].lower(), full)
    if "{" in rest[0] or "<" in rest[0]:
        return Enumerate(check_identifier(rest[0]), full)
    near = did_you_mean(rest[0], ENTRY_TYPES)
    raise Misuse(say("bcdedit.no_entry_type", word=rest[0], known=", ".join(ENTRY_TYPES), meant=near))


def _help(_: list[str]) -> Command:
    return Help()


def _verbose(words: list[str]) -> Command:
    return _enumerate([*words, "/v"])


_COMMANDS: dict[str, Callable[[list[str]], Command]] = {
    "?": _help,
    "help": _help,
    "v": _verbose,
    "enum": _enumerate,
    "set": parse_set,
    "deletevalue": parse_delete_value,
    "ems": parse_switch("/ems", "ems"),
    "bootems": parse_switch("/bootems", "bootems", of_any=True),
    "debug": parse_switch("/debug", "debug"),
    "bootdebug": parse_switch("/bootdebug", "bootdebug"),
    "event": parse_switch("/event", "event"),
    "emssettings": parse_ems_settings,
    "dbgsettings": lambda words: parse_debugger_settings("/dbgsettings", words),
    "hypervisorsettings": lambda words: parse_debugger_settings("/hypervisorsettings", words),
    "default": parse_default,
    "timeout": parse_timeout,
    "displayorder": parse_order("/displayorder", "displayorder"),
    "bootsequence": parse_order("/bootsequence", "bootsequence"),
    "toolsdisplayorder": parse_order("/toolsdisplayorder", "toolsdisplayorder"),
    "create": parse_create,
    "copy": parse_copy,
    "delete": parse_delete,
    "export": parse_export,
    "import": parse_import,
}

_NOT_HERE = {
    "createstore": "bcdedit.createstore_next",
    "eventsettings": "bcdedit.eventsettings_next",
    "sysstore": "bcdedit.sysstore_next",
    "mirror": "bcdedit.mirror_next",
}
