r"""Words of one command, as the program that gets them would see them, and where each stands in the text.

Two ways to split: the C runtime's (bcdedit, reg: only blanks part words, `\"` is a quote) and cmd's own
(copy, del, ...: `,`, `;` and `=` part words as well, a backslash is only a backslash).
Source: Microsoft, "Parsing C command-line arguments"; cmd /?.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_BLANKS = " \t"
_CMD_PARTS = " \t,;="


@dataclass(frozen=True, slots=True)
class Word:
    """`text` is what the program sees; it was written in [start, end) of the command."""

    text: str
    start: int
    end: int


def runtime_words(text: str) -> list[Word]:
    """As a program's main() gets them; the program's own name is the first."""
    words: list[Word] = []
    at, end = 0, len(text)
    while at < end:
        if text[at] in _BLANKS:
            at += 1
            continue
        start, quoted, letters = at, False, []
        while at < end and (quoted or text[at] not in _BLANKS):
            slashes = at
            while at < end and text[at] == "\\":
                at += 1
            count = at - slashes
            if at < end and text[at] == '"':
                letters.append("\\" * (count // 2))
                if count % 2:
                    letters.append('"')
                elif quoted and text[at + 1 : at + 2] == '"':
                    letters.append('"')  # "" inside quotes is one quote
                    at += 1
                else:
                    quoted = not quoted
                at += 1
            elif count:
                letters.append("\\" * count)
            elif at < end:
                letters.append(text[at])
                at += 1
        words.append(Word("".join(letters), start, at))
    return words


def shell_words(text: str) -> list[Word]:
    """As cmd's own commands get them: quotes group and go, switches glued to each other are words of their own."""
    words: list[Word] = []
    at, end = 0, len(text)
    while at < end:
        if text[at] in _CMD_PARTS:
            at += 1
            continue
        start, quoted = at, False
        while at < end and (quoted or text[at] not in _CMD_PARTS):
            if text[at] == '"':
                quoted = not quoted
            elif text[at] == "/" and not quoted and text[start] == "/" and at > start:
                break  # del /f/q
            at += 1
        words.append(Word(text[start:at].replace('"', ""), start, at))
    return words


_PROGRAM = re.compile(r'\s*(?:"([^"]*)"|([^\s"]+))')
_GLUED = re.compile(
    r"(echo|rem|del|erase|rd|rmdir|md|mkdir|cd|chdir|copy|move|ren|rename)(?=[\\/.:+(\[\]])", re.IGNORECASE
)


def program_of(text: str) -> Word:
    """The first word: what would be run, without quotes. Empty where the command is."""
    glued = _GLUED.match(text.lstrip())
    if glued is not None:
        start = len(text) - len(text.lstrip())
        return Word(glued[1], start, start + glued.end())
    found = _PROGRAM.match(text)
    if found is None:
        return Word("", 0, 0)
    group = 1 if found[1] is not None else 2
    start, end = (found.start(), found.end()) if group == 1 else found.span(2)
    return Word(found[group], start + (len(text[start:end]) - len(text[start:end].lstrip())), end)


def quoted(word: str) -> str:
    """A word as it has to be written so that it stays one."""
    return f'"{word}"' if not word or any(letter in " \t&|<>^,;=" for letter in word) else word
