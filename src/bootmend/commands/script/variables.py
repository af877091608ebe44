"""`%NAME%` in a script: what the script itself has set, what must stay as it is, and what nobody here can know.

cmd puts the *running* machine's value in place of a variable. Here no Windows runs, and the running one
would be the wrong one anyway: `%SystemRoot%` in a registry value is meant for the machine being mended,
and stays literal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bootmend.errors import Misuse
from bootmend.texts import say

_LITERAL = """
systemroot windir systemdrive programfiles programfiles(x86) programw6432 commonprogramfiles
commonprogramfiles(x86) programdata allusersprofile public userprofile appdata localappdata temp tmp
computername username path pathext comspec number_of_processors processor_architecture os driverdata
"""
LITERAL = frozenset(_LITERAL.split())
"""Names that Windows expands when it reads a value of type REG_EXPAND_SZ."""

MOST_VARIABLES = 1000
_USE = re.compile(r"%(%|~[a-z]*[0-9]|[0-9*]|[^%\s:]{1,60}(?::[^%]*)?%|)", re.IGNORECASE)
_SET = re.compile(r'set\s+"?([^="/\s][^="]*)=(.*)', re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Expanded:
    text: str
    literal: tuple[str, ...]
    """Variables, with their percent signs, that stand in the text as they were."""


class Variables:
    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    def expand(self, text: str) -> Expanded:
        """Raises Misuse for a variable that is not known here, and for a lone percent sign."""
        if "%" not in text:
            return Expanded(text, ())
        literal: dict[str, None] = {}

        def value(match: re.Match[str]) -> str:
            inner = match[1]
            if inner == "%":
                return "%"
            if not inner.endswith("%"):
                raise Misuse(say("script.lone_percent" if not inner else "script.argument", word=match[0]))
            name = inner[:-1].lower()
            if name in self._values:
                return self._values[name]
            if name not in LITERAL:
                raise Misuse(say("script.unknown_variable", word=match[0]))
            literal[match[0]] = None
            return match[0]

        return Expanded(_USE.sub(value, text), tuple(literal))

    def set(self, command: str) -> str:
        """Takes `set NAME=value`; the name. Raises Misuse for other forms (/a, /p, no `=`)."""
        match = _SET.fullmatch(command.strip())
        if match is None:
            raise Misuse(say("script.set_form"))
        if len(self._values) >= MOST_VARIABLES:
            raise Misuse(say("script.too_many_variables", most=MOST_VARIABLES))
        name, value = match[1].strip(), match[2]
        if command.strip()[3:].lstrip().startswith('"'):
            value = value.rpartition('"')[0] if '"' in value else value
        self._values[name.lower()] = value
        return name
