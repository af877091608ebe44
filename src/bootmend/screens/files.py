"""The file that a screen says failed or could not be loaded, out of misread lines.

The parts of its path are put right by the files that these screens name (files.txt): one misread letter of a
folder that is near one of them alone, and of a file only letters that engines take for one another, because the
next name is often another driver (usbehci.sys, usbohci.sys). What is near none is kept as it was read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources

from bootmend.screens.codes import distance
from bootmend.screens.phrases import folded

LONGEST = 260

_NAME = re.compile(r"(?:\\ ?[\w.$~-]{1,40} ?){0,12}[\w$~-]{1,40} ?[. ,] ?(?:sys|exe|dll|efi)\b", re.IGNORECASE)
_HIVE = re.compile(r"(?:\\ ?[\w.$~-]{1,40} ?){1,12}", re.IGNORECASE)
"""A path whose last part has no suffix: a hive or the boot configuration."""
_FAILED = re.compile(r"fa[il1|]{2}|실패|\bfile ?[:;]|파일|\*{2,}|\(", re.IGNORECASE)
"""What stands before the name of a file on these screens."""
_COLON = re.compile(r"[:：;]\s*(?=\\|[\w$~-]{1,40}\.(?:sys|exe|dll|efi)\s*$)", re.IGNORECASE)
"""What those words end in, where an engine that knows no Hangul read them."""
_SUFFIX = re.compile(r" ?[. ,] ?(sys|exe|dll|efi)$", re.IGNORECASE)
_FILES = ("sys", "exe", "dll", "efi")
_MIXED = (("rn", "m"), ("vv", "w"), ("cl", "d"), ("c", "e"), ("q", "g"), ("v", "u"))


def files(lines: Sequence[str]) -> Iterator[str]:
    """Every file named on the lines, in lower case."""
    for line in lines:
        failed = _FAILED.search(line)
        before = failed or _COLON.search(line)
        rest = line[before.end() :] if before else ""
        # A path is taken from its root on: a part of one behind a misread sign would be another file.
        rooted = re.match(r"[\s:;.,]*\\", rest)
        found = _at_root(rest[rooted.end() - 1 :]) if rooted else _NAME.search(rest) or _HIVE.search(rest)
        if found:
            named = _SUFFIX.sub(r".\1", found[0].strip()).replace(" ", "").lower()
            parts = [_known(part) for part in named.split("\\")]
            strange = named.startswith("\\") and parts[1] not in _names()
            whole = "\\".join(parts)
            if all(parts[1:]) and parts[-1] and len(named) <= LONGEST and not strange and (failed or is_known(whole)):
                yield whole


def _at_root(rest: str) -> re.Match[str] | None:
    found = _NAME.match(rest) or _HIVE.match(rest)
    return found if found and not re.match(r"\S", rest[found.end() :]) else None


def is_known(file: str) -> bool:
    """Whether every part of the path is a name of files.txt."""
    return all(part in _names() for part in file.split("\\") if part)


def _known(part: str) -> str:
    """The known name that a part of a path is or was misread from; else the part as it is."""
    if not part or part in _names():
        return part
    letters = folded(part)
    near = [name for name, plain in _names().items() if abs(len(plain) - len(letters)) <= 1 and _near(letters, plain)]
    return near[0] if len(near) == 1 else part


def _near(letters: str, plain: str) -> bool:
    if not plain.endswith(_FILES):
        return distance(letters, plain) <= (1 if len(plain) >= 8 else 0)
    return _drawn(letters) == _drawn(plain)


def _drawn(letters: str) -> str:
    """What engines mix up made the same."""
    for pair, one in _MIXED:
        letters = letters.replace(pair, one)
    return letters


@cache
def _names() -> dict[str, str]:
    """Every known part of a path, and its letters as engines see them."""
    text = resources.files(__package__).joinpath("files.txt").read_text(encoding="ascii")
    return {name: folded(name) for name in text.split()}
