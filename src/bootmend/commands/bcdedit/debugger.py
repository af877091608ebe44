"""`/dbgsettings` and `/hypervisorsettings`: how a debugger reaches the machine.

"BCDEdit /dbgsettings" and "BCDEdit /hypervisorsettings" in Microsoft's documentation. Each word becomes one
element of {dbgsettings} or {hypervisorsettings}; elements that no word names stay as they are.
"""

from __future__ import annotations

import secrets

from bootmend.commands.bcdedit.identifiers import did_you_mean
from bootmend.commands.bcdedit.lines import Command, DebuggerSettings, ShowSettings
from bootmend.errors import Misuse
from bootmend.texts import say

_DEBUGGER = {
    "type": "debugtype",
    "debugport": "debugport",
    "baudrate": "baudrate",
    "channel": "channel",
    "targetname": "targetname",
    "hostip": "hostip",
    "port": "port",
    "key": "key",
    "busparams": "busparams",
    "nodhcp": "dhcp",
}
_HYPERVISOR = {
    "type": "hypervisordebugtype",
    "debugport": "hypervisordebugport",
    "baudrate": "hypervisorbaudrate",
    "channel": "hypervisorchannel",
    "hostip": "hypervisorhostip",
    "port": "hypervisorhostport",
    "key": "hypervisorusekey",
    "busparams": "hypervisorbusparams",
    "nodhcp": "hypervisordhcp",
}
_OPTIONS_OF = {
    "serial": ("debugport", "baudrate"),
    "1394": ("channel",),
    "usb": ("targetname",),
    "net": ("hostip", "port", "key", "nodhcp", "newkey", "busparams"),
    "local": (),
}
_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"


def parse_debugger_settings(command: str, words: list[str]) -> Command:
    """`command` is `/dbgsettings` or `/hypervisorsettings`; without words their settings are shown."""
    hypervisor = command == "/hypervisorsettings"
    target, elements = ("{hypervisorsettings}", _HYPERVISOR) if hypervisor else ("{dbgsettings}", _DEBUGGER)
    if not words:
        return ShowSettings(target)
    kinds = [kind for kind in _OPTIONS_OF if not (hypervisor and kind in ("usb", "local"))]
    kind = words[0].lower()
    if kind not in kinds:
        near = did_you_mean(kind, kinds)
        known = ", ".join(kinds).upper()
        raise Misuse(say("bcdedit.debugger_type", command=command, word=words[0], known=known, meant=near))
    values = {elements["type"]: words[0]}
    fresh = False
    rest = words[1:]
    while rest:
        word = rest.pop(0)
        name, colon, value = word.partition(":")
        name = name.lower()
        if name == "/noumex" and not hypervisor:
            values["noumex"] = "yes"
        elif name == "/start" and not hypervisor and rest:
            values["debugstart"] = rest.pop(0)
        elif name in _OPTIONS_OF[kind] and name == "newkey" and not colon:
            fresh = True
        elif name in _OPTIONS_OF[kind] and name == "nodhcp" and not colon:
            values[elements["nodhcp"]] = "no"
        elif name in _OPTIONS_OF[kind] and colon and value:
            values[elements[name]] = value
        else:
            near = did_you_mean(name, _OPTIONS_OF[kind])
            known = ", ".join(each.upper() for each in _OPTIONS_OF[kind]) or "-"
            raise Misuse(say("bcdedit.debugger_word", command=f"{command} {kind}", word=word, known=known, meant=near))
    return _with_key(kind, target, values, elements["key"], fresh)


def _with_key(kind: str, target: str, values: dict[str, str], key: str, fresh: bool) -> DebuggerSettings:
    """Over the network the debugger needs an address, a port and a key; a key is made where none is given."""
    if kind != "net":
        return DebuggerSettings(target, values)
    for name in ("hostip", "port"):
        if not any(element.endswith(name) for element in values):
            raise Misuse(say("bcdedit.debugger_net", word=name.upper()))
    if fresh and key in values:
        raise Misuse(say("bcdedit.debugger_keys"))
    if key in values:
        if not _is_key(values[key]):
            raise Misuse(say("bcdedit.debugger_key", word=values[key]))
        return DebuggerSettings(target, values)
    made = new_key()
    return DebuggerSettings(target, {**values, key: made}, made)


def _is_key(word: str) -> bool:
    """Four parts of digits and lower-case letters with dots between."""
    parts = word.split(".")
    return len(parts) == 4 and all(part and set(part) <= set(_ALPHABET) for part in parts)


def new_key() -> str:
    """Four random 64-bit numbers in base 36, with dots between: `2steg4fzbj2sz.23418vzkd4ko3...`."""
    return ".".join(_base36(secrets.randbits(64)) for _ in range(4))


def _base36(number: int) -> str:
    digits = ""
    while number or not digits:
        number, digit = divmod(number, 36)
        digits = _ALPHABET[digit] + digits
    return digits
