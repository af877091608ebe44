"""Lines of a .cmd file as cmd reads them, as far as a disk that is not running can follow.

text -> logical lines (`^` at the end goes on) -> comments and labels left out -> commands joined by & and &&

Straight lines only: what jumps, asks or branches (goto, if, for, call, blocks, pipes) is not followed,
because a script is one change that either happens as a whole or not at all. Source: Microsoft, cmd and
"Using batch files"; the order of steps is that of cmd's own parser.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bootmend.errors import Misuse
from bootmend.texts import say

LONGEST_LINE = 8191
"""Letters that cmd takes in a line."""
MOST_LINES = 200_000
MOST_COMMANDS = 2_000

_COMMENT = re.compile(r"@?\s*(?:rem(?:[\s,;=./:+\\(\[]|$)|::)", re.IGNORECASE)
_NUL_REDIRECTION = re.compile(r"[012]?>{1,2}\s*nul:?(?=[\s&|)]|$)|2>&1|1>&2", re.IGNORECASE)
_TO_THE_END = re.compile(r"goto\s*:\s*eof", re.IGNORECASE)
_BRANCHING = re.compile(r"(if|for|goto|call|else|choice|shift)(?=[\s(:/,;=]|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Line:
    """A logical line: `number` is its first in the file, from 1; `text` without the ends."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Piece:
    """One command of a line, and what joins it to the one before: empty, `&` or `&&`."""

    text: str
    joint: str = ""


def lines(text: str) -> Iterator[Line]:
    """Lines that hold a command; blank ones, comments and labels left out. Raises Misuse where there are too many.

    A label does nothing by itself, and what would jump to it is refused.
    """
    number, first, held = 0, 0, ""
    commands = 0
    for raw in re.split(r"\r\n|\n|\r", text):
        number += 1
        if number > MOST_LINES:
            raise Misuse(say("script.too_many_lines", most=MOST_LINES))
        first = first or number
        whole = held + raw
        if not _COMMENT.match(whole.lstrip()) and _goes_on(whole) and len(whole) <= LONGEST_LINE:
            held = whole[:-1]
            continue
        line, number_of_line = Line(first, whole.strip()), first
        held, first = "", 0
        if line.text and not is_comment(line.text) and not line.text.startswith(":"):
            commands += 1
            if commands > MOST_COMMANDS:
                raise Misuse(say("script.too_many_commands", most=MOST_COMMANDS, line=number_of_line))
            yield line
    if held.strip() and not is_comment(held):
        yield Line(first, held.strip())


def is_comment(text: str) -> bool:
    return _COMMENT.match(text.lstrip()) is not None


def ends_script(command: str) -> bool:
    """`goto :eof`, which outside a subroutine is the end."""
    return _TO_THE_END.fullmatch(command.strip()) is not None


def _goes_on(text: str) -> bool:
    """An odd number of `^` at the end."""
    return (len(text) - len(text.rstrip("^"))) % 2 == 1


def pieces(text: str) -> list[Piece]:
    """The commands of one line, redirections to nul taken off. Raises Misuse for what is not followed, naming it."""
    if len(text) > LONGEST_LINE:
        raise Misuse(say("script.long_line", length=len(text), most=LONGEST_LINE))
    found: list[Piece] = []
    start, at, quoted, joint = 0, 0, False, ""
    letters: list[str] = []

    def finish() -> None:
        command = "".join(letters).strip().lstrip("@").strip()
        letters.clear()
        if command:
            require_straight(command)
            found.append(Piece(command, joint if found else ""))

    while at < len(text):
        letter = text[at]
        if at == start and is_comment(text[at : at + 80]):
            break  # the rest of the line is a remark
        if letter == '"':
            quoted = not quoted
        elif not quoted:
            nul = _NUL_REDIRECTION.match(text, at)
            if nul is not None and (letter in "<>" or at == start or text[at - 1] in " \t&|"):
                at = nul.end()
                continue
            if letter == "^":
                letters.append(text[at + 1 : at + 2])
                at += 2
                continue
            if letter in "<>":
                raise Misuse(say("script.redirection", word=text[at : at + 40]))
            if letter == "|":
                raise Misuse(say("script.pipe"))
            if letter == "&":
                finish()
                joint = "&&" if text[at : at + 2] == "&&" else "&"
                at += len(joint)
                start = at
                continue
        letters.append(letter)
        at += 1
    finish()
    return [piece for piece in found if not is_comment(piece.text)]


def require_straight(command: str) -> None:
    """Raises Misuse for a command that jumps, branches or opens a block."""
    branching = _BRANCHING.match(command)
    if branching is not None and not ends_script(command):
        raise Misuse(say("script.branching", word=branching[1]))
    if command.startswith(("(", ")")):
        raise Misuse(say("script.block", word=command[0]))
    if command.startswith(":"):
        raise Misuse(say("script.label", word=command[:40]))
