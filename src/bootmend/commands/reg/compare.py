"""`reg compare`: two keys side by side, value by value.

< Value:  HKEY_LOCAL_MACHINE\\SYSTEM\\A  Name  REG_SZ  one       only or otherwise in the first key
> Value:  HKEY_LOCAL_MACHINE\\SYSTEM\\B  Name  REG_SZ  two       only or otherwise in the second
= Value:  HKEY_LOCAL_MACHINE\\SYSTEM\\A  Other  REG_DWORD  0x1  the same in both
Results Compared: Different
"""

from __future__ import annotations

from collections.abc import Iterator

from bootmend.commands.reg.data import shown, type_name
from bootmend.commands.reg.lines import Compare
from bootmend.commands.reg.query import DEFAULT_NAME, printable
from bootmend.commands.reg.registry import Registry
from bootmend.errors import Missing
from bootmend.formats.hive import Key, Value
from bootmend.formats.hive.names import fold
from bootmend.texts import say


def compare(wanted: Compare, registry: Registry) -> tuple[list[str], bool]:
    """The lines, and whether the two are the same. Raises Missing for a key or the one value that is not there."""
    first = registry.key(registry.find(wanted.first))
    second = registry.key(registry.find(wanted.second))
    if wanted.name is not None:
        for key, name in ((first, wanted.first), (second, wanted.second)):
            if key.value(wanted.name) is None and not wanted.recurse:
                raise Missing(say("reg.no_value", at=name, name=wanted.name or DEFAULT_NAME))
    lines: list[str] = []
    differ = False
    for mark, text in _pairs(first, second, wanted):
        differ = differ or mark != "="
        if wanted.same if mark == "=" else wanted.different:
            lines.append(printable(f"{mark} {text}"))
    lines.append(say("reg.different" if differ else "reg.identical"))
    return lines, not differ


def _pairs(first: Key, second: Key, wanted: Compare) -> Iterator[tuple[str, str]]:
    """Every value and, with /s, every key that one of the two lacks: its mark and what is printed of it."""
    todo = [(first, second, str(wanted.first), str(wanted.second))]
    while todo:
        one, other, one_name, other_name = todo.pop()
        ours, theirs = _values(one, wanted.name), _values(other, wanted.name)
        for folded in dict.fromkeys([*ours, *theirs]):
            mine, its = ours.get(folded), theirs.get(folded)
            if mine is not None and its is not None and (mine.type, mine.data) == (its.type, its.data):
                yield "=", _value(one_name, mine)
                continue
            if mine is not None:
                yield "<", _value(one_name, mine)
            if its is not None:
                yield ">", _value(other_name, its)
        if not wanted.recurse:
            continue
        below = {fold(key.name): key for key in one.subkeys()}
        below_other = {fold(key.name): key for key in other.subkeys()}
        yield from (("<", f"Key:  {one_name}\\{below[name].name}") for name in below if name not in below_other)
        yield from ((">", f"Key:  {other_name}\\{key.name}") for name, key in below_other.items() if name not in below)
        todo += [
            (key, below_other[name], f"{one_name}\\{key.name}", f"{other_name}\\{below_other[name].name}")
            for name, key in reversed(below.items())
            if name in below_other
        ]


def _values(key: Key, name: str | None) -> dict[str, Value]:
    return {fold(value.name): value for value in key.values() if name is None or fold(value.name) == fold(name)}


def _value(key: str, value: Value) -> str:
    return f"Value:  {key}  {value.name or DEFAULT_NAME}  {type_name(value.type)}  {shown(value)}"
