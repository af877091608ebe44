"""The names of elements and the words of their numbers, both ways: `safeboot`, `Minimal`.

The table is element_names.txt. The same id may mean two things: 23000003 is `default` in the boot
manager and `resumeobject` in an OS loader, so a name is asked for with the type of its object.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources

from bootmend.formats.bcd.objects import section


@dataclass(frozen=True, slots=True)
class ElementName:
    id: int
    name: str
    words: tuple[str, ...] = ()
    """The word for 0, 1, 2, ...; `-` where a number has none."""


@cache
def _tables() -> dict[str, dict[int, ElementName]]:
    text = resources.files(__package__ or "").joinpath("element_names.txt").read_text(encoding="utf-8")
    tables: dict[str, dict[int, ElementName]] = {}
    table: dict[int, ElementName] = {}
    for line in text.splitlines():
        if line.startswith("["):
            table = tables.setdefault(line.strip("[]"), {})
        elif line and not line.startswith("#"):
            number, name, *words = line.split()
            table[int(number, 16)] = ElementName(int(number, 16), name, tuple(words))
    return tables


def _search_order(object_type: int) -> tuple[str, str, str]:
    return (section(object_type), "library", "template")


def _known(element_id: int, object_type: int) -> ElementName | None:
    for table in _search_order(object_type):
        found = _tables()[table].get(element_id)
        if found:
            return found
    return None


def element_name(element_id: int, object_type: int) -> str:
    """The element's name in an object of that type, or `custom:260000ff` as bcdedit writes it."""
    known = _known(element_id, object_type)
    return known.name if known else f"custom:{element_id:08x}"


def element_id(name: str, object_type: int) -> int | None:
    """The id of a name (any case, also `custom:260000ff`) in an object of that type."""
    return next(iter(element_ids(name, object_type)), None)


def element_ids(name: str, object_type: int) -> list[int]:
    """Every id that goes by the name in an object of that type: `cacheenable` of a memory test has two."""
    lowered = name.lower()
    if lowered.startswith("custom:"):
        digits = lowered.removeprefix("custom:").removeprefix("0x")
        return [int(digits, 16)] if 0 < len(digits) <= 8 and set(digits) <= set("0123456789abcdef") else []
    tables = [_tables()[table] for table in _search_order(object_type)]
    return [known.id for table in tables for known in table.values() if known.name == lowered]


def element_names(object_type: int | None = None) -> list[str]:
    """Every name known in an object of that type; without a type, in any object."""
    tables = _tables() if object_type is None else _search_order(object_type)
    return sorted({known.name for table in tables for known in _tables()[table].values()})


def number_words(element_id: int, object_type: int) -> list[str]:
    """The words that an integer element takes, in the order of their numbers; empty where it takes only numbers."""
    known = _known(element_id, object_type)
    return [word for word in known.words if word != "-"] if known else []


def word_of(element_id: int, object_type: int, number: int) -> str | None:
    """The word for a number, such as `Minimal` for safeboot 0."""
    known = _known(element_id, object_type)
    if known is None or not 0 <= number < len(known.words) or known.words[number] == "-":
        return None
    return known.words[number]


def number_of(element_id: int, object_type: int, word: str) -> int | None:
    """The number for a word (any case), such as 0 for safeboot `minimal`."""
    known = _known(element_id, object_type)
    for number, candidate in enumerate(known.words if known else ()):
        if candidate.lower() == word.lower() and word != "-":
            return number
    return None
