"""Stop codes and NTSTATUS values by name, read from their tables when first asked for.

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
    return code & ~_SMALL if code >> 28 == 1 and f"{code & ~_SMALL:X}" in _table() else code


def bug_check(code: int) -> BugCheck:
    """By its plain code; one that nobody published is called by its number."""
    row = _table().get(f"{code:X}")
    if row is None:
        return BugCheck(f"0x{code:X}", "", ("", "", "", ""))
    name, meaning, *arguments = row
    one, two, three, four = (*arguments, "", "", "", "")[:4]
    return BugCheck(name, meaning, (one, two, three, four))


def status_name(status: int) -> str:
    """Such as STATUS_INVALID_IMAGE_HASH; empty for a number that is no public NTSTATUS."""
    return _numbered("ntstatus.txt").get(f"{status & 0xFFFFFFFF:08X}", "")


def fast_fail_name(kind: int) -> str:
    """What the first argument of 0x139 says, by the FAST_FAIL_ constants of winnt.h; empty for an unknown one."""
    return _numbered("fastfail.txt").get(f"{kind:X}", "")


@cache
def _table() -> dict[str, list[str]]:
    return tomllib.loads(resources.files(__package__).joinpath("bugchecks.toml").read_text(encoding="utf-8"))


@cache
def _numbered(file: str) -> dict[str, str]:
    """Lines of a hexadecimal number and a name."""
    text = resources.files(__package__).joinpath(file).read_text(encoding="ascii")
    return dict(line.split(" ", 1) for line in text.splitlines())
