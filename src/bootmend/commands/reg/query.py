"""`reg query`: keys and values as reg.exe prints them.

    <blank line>
    HKEY_LOCAL_MACHINE\\SYSTEM\\Select
        Current    REG_DWORD    0x1
    <blank line>
    HKEY_LOCAL_MACHINE\\SYSTEM\\Select\\Below

A search (/f or /t) and a recursive look for one value end with the number of matches.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import translate
from functools import lru_cache

from bootmend.commands.reg.data import shown, type_name
from bootmend.commands.reg.lines import Query
from bootmend.commands.reg.names import KeyName
from bootmend.commands.reg.registry import Registry
from bootmend.errors import Missing
from bootmend.formats.hive import Key, Value, ValueType
from bootmend.formats.hive.names import fold
from bootmend.texts import say

DEFAULT_NAME = "(Default)"
NOT_SET = "(value not set)"
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(9), 11, 12, *range(14, 32), *range(127, 160))}
"""What a terminal would act upon is shown by its number; tab, line feed and carriage return stay."""


def query(wanted: Query, registry: Registry) -> Iterator[str]:
    """Lines of the answer. Raises Missing for a key or value that is not there, and for a search without a match."""
    if not wanted.key.hive:
        yield ""
        yield from (str(KeyName(wanted.key.root, name)) for name in registry.hives(wanted.key.root))
        return
    key = registry.key(registry.find(wanted.key))
    if wanted.pattern is not None or wanted.type is not None:
        yield from _search(wanted, key)
    elif wanted.name is not None:
        yield from _one_value(wanted, key)
    else:
        yield from _all(wanted, key)
    for warning in key.hive.warnings:
        registry.note(say("reg.warning", hive=key.hive.file, warning=warning))


def _all(wanted: Query, top: Key) -> Iterator[str]:
    yield ""
    for key, name in _walk(top, str(wanted.key), wanted.recurse):
        values = key.values()
        # reg.exe does not print the line of the key it was asked for where only subkeys follow.
        if values or key is not top or not key.subkeys():
            yield name
            yield from (_line(value, wanted) for value in values)
            yield ""
    if not wanted.recurse:
        yield from (printable(f"{wanted.key}\\{key.name}") for key in top.subkeys())


def _one_value(wanted: Query, top: Key) -> Iterator[str]:
    assert wanted.name is not None
    matches = 0
    for key, name in _walk(top, str(wanted.key), wanted.recurse):
        value = key.value(wanted.name)
        if value is not None:
            line = _line(value, wanted)
        elif not wanted.name and not wanted.recurse:
            line = f"    {DEFAULT_NAME}    REG_SZ    {NOT_SET}"
        else:
            continue
        matches += 1
        yield from ("", name, line) if matches == 1 else (name, line)
        yield ""
    if not wanted.recurse and not matches:
        raise Missing(say("reg.no_value", at=wanted.key, name=wanted.name or DEFAULT_NAME))
    if wanted.recurse:
        yield from _end(matches, wanted)


def _search(wanted: Query, top: Key) -> Iterator[str]:
    pattern = wanted.pattern if wanted.pattern is not None else "*"
    matches = 0
    # Without /s the values of this key and the names of the keys right below it are looked at.
    for key, name in _walk(top, str(wanted.key), True, None if wanted.recurse else 1):
        in_values = wanted.recurse or key is top
        found = [_line(value, wanted) for value in key.values() if _fits(value, wanted, pattern)] if in_values else []
        named = (
            key is not top and wanted.in_keys and wanted.type is None and _matches(key.name, pattern, wanted)
        )  # fmt: skip
        if found or named:
            yield from ("", name) if not matches else (name,)
            yield from found
            yield ""
            matches += len(found) + named
    yield from _end(matches, wanted)


def _end(matches: int, wanted: Query) -> Iterator[str]:
    yield say("reg.end_of_search", matches=matches)
    if not matches:
        raise Missing(say("reg.no_match", at=wanted.key))


def _fits(value: Value, wanted: Query, pattern: str) -> bool:
    if wanted.name is not None and fold(value.name) != fold(wanted.name):
        return False
    if wanted.type is not None and value.type != wanted.type:
        return False
    named = wanted.in_names and _matches(value.name or DEFAULT_NAME, pattern, wanted)
    return named or (wanted.in_data and _matches(shown(value, wanted.separator), pattern, wanted))


def _matches(text: str, pattern: str, wanted: Query) -> bool:
    if pattern == "*":
        return True
    if not wanted.case:
        text, pattern = fold(text), fold(pattern)
    if "*" in pattern or "?" in pattern:
        return _wildcards(pattern, wanted.exact).match(text) is not None
    return text == pattern if wanted.exact else pattern in text


@lru_cache(maxsize=8)
def _wildcards(pattern: str, exact: bool) -> re.Pattern[str]:
    """`*` is any text and `?` any one character; without /e the pattern may stand anywhere in the text."""
    plain = pattern.replace("[", "[[]")
    return re.compile(translate(plain if exact else f"*{plain}*"))


def _walk(top: Key, name: str, recurse: bool, levels: int | None = None) -> Iterator[tuple[Key, str]]:
    """The key and, if asked for, those below it in the order of the hive, each with its printed name."""
    todo = [(top, name)]
    while todo:
        key, name = todo.pop()
        yield key, printable(name)
        if recurse and (levels is None or key.depth - top.depth < levels):
            todo += [(below, f"{name}\\{below.name}") for below in reversed(key.subkeys())]


def _line(value: Value, wanted: Query) -> str:
    kind = type_name(value.type)
    if wanted.numbers:
        kind = f"{kind} ({value.type})"
    data = shown(value, wanted.separator)
    if value.type in (ValueType.SZ, ValueType.EXPAND_SZ) and not value.data:
        data = ""
    return printable(f"    {value.name or DEFAULT_NAME}    {kind}    {data}")


def printable(text: str) -> str:
    """A line that steers no terminal and that every encoding of one can show."""
    return text.translate(_CONTROLS).encode("utf-8", "backslashreplace").decode()
