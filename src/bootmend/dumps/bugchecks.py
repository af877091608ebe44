"""Stop codes and NTSTATUS values by name. Of their tables only the row that is asked for is taken apart.

Sources: Microsoft's bug check code reference; ntstatus.h of mingw-w64 (public domain); winnt.h.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources

_SMALL = 0x10000000
"""The debugger's mark on the code of a small dump: 0x1000007E is 0x7E."""


@dataclass(frozen=True, slots=True)
class BugCheck:
    name: str
    meaning: str
    """A sentence for a person; empty for a code that is in no public table."""
    arguments: tuple[str, str, str, str]
    """What each one means; empty where it is reserved or not public."""


def plain_code(code: int) -> int:
    """The code as the blue screen showed it."""
    return code & ~_SMALL if code >> 28 == 1 and _row(code & ~_SMALL) is not None else code


def bug_check(code: int) -> BugCheck:
    """By its plain code; one that nobody published is called by its number."""
    row = _row(code)
    if row is None:
        return BugCheck(f"0x{code:X}", "", ("", "", "", ""))
    name, meaning, *arguments = row
    one, two, three, four = (*arguments, "", "", "", "")[:4]
    return BugCheck(name, meaning, (one, two, three, four))


def status_name(status: int) -> str:
    """Such as STATUS_INVALID_IMAGE_HASH; empty for a number that is no public NTSTATUS."""
    return _line("ntstatus.txt", f"{status & 0xFFFFFFFF:08X} ")


def fast_fail_name(kind: int) -> str:
    """What the first argument of 0x139 says, by the FAST_FAIL_ constants of winnt.h; empty for an unknown one."""
    return _line("fastfail.txt", f"{kind:X} ")


def _row(code: int) -> list[str] | None:
    """The row of a stop code in bugchecks.toml; a row is a line."""
    key = f'"{code:X}" = '
    found = _line("bugchecks.toml", key)
    return list(tomllib.loads(key + found)[f"{code:X}"]) if found else None


def _line(file: str, start: str) -> str:
    """The rest of the line that starts so; empty where none does."""
    text = _text(file)
    at = text.find(f"\n{start}")
    return text[at + 1 + len(start) : text.find("\n", at + 1)] if at >= 0 else ""


@cache
def _text(file: str) -> str:
    """A table, with an empty line before its first one."""
    return "\n" + resources.files(__package__).joinpath(file).read_text(encoding="utf-8")
