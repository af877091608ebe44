"""`reg add`, `delete` and `copy`, on the hives of a desk.

Where reg.exe would ask (a value that is there already, any delete) `ask` is asked; it returns for a yes
and raises for everything else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from bootmend.commands.reg.lines import Add, Copy, Delete
from bootmend.commands.reg.query import DEFAULT_NAME
from bootmend.commands.reg.registry import Registry, Spot
from bootmend.errors import Missing, Misuse, Refused
from bootmend.formats.hive import Hive, HiveEditor, Key, Value
from bootmend.formats.hive.names import fold
from bootmend.texts import say

Ask = Callable[[str], None]


def nobody(question: str) -> None:
    """The answer where nobody can be asked."""
    raise Refused(question, say("reg.say_f"))


def add(wanted: Add, registry: Registry, ask: Ask = nobody) -> None:
    """Raises Refused where the value is there with other content and nobody says to overwrite it."""
    spot = registry.find(wanted.key)
    if not wanted.force:
        key = registry.read(spot.place).key(spot.path)
        old = key.value(wanted.name) if key is not None else None
        if old is not None and (old.type, old.data) != (wanted.type, wanted.data):
            ask(say("reg.value_exists", name=wanted.name or DEFAULT_NAME, at=wanted.key))
    editor = registry.editor(spot.place)
    editor.create_key(spot.path)
    editor.set_value(spot.path, wanted.name, wanted.type, wanted.data)
    if wanted.literal:
        registry.note(say("reg.literal", data=wanted.literal))


def delete(wanted: Delete, registry: Registry, ask: Ask = nobody) -> None:
    """Raises Missing for what is not there, Refused where nobody says to delete it."""
    spot = registry.find(wanted.key)
    key = registry.key(spot)
    whole = wanted.name is None and not wanted.values
    if whole and not spot.path:
        raise Refused(say("reg.whole_hive", at=wanted.key), say("reg.whole_hive_next"))
    if wanted.name is not None and key.value(wanted.name) is None:
        raise Missing(say("reg.no_value", at=wanted.key, name=wanted.name or DEFAULT_NAME))
    if not wanted.force:
        question = "reg.delete_key" if whole else "reg.delete_values" if wanted.values else "reg.delete_value"
        ask(say(question, at=wanted.key, name=wanted.name or DEFAULT_NAME))
    editor = registry.editor(spot.place)
    if whole:
        editor.delete_key(spot.path)
        return
    for name in [value.name for value in key.values()] if wanted.values else [wanted.name or ""]:
        editor.delete_value(spot.path, name)


def copy(wanted: Copy, registry: Registry, ask: Ask = nobody) -> None:
    """The values of a key, with /s those of every key below it. Raises Misuse for a key copied onto itself."""
    source, target = registry.find(wanted.source), registry.find(wanted.target)
    if (source.place.file, fold(source.path)) == (target.place.file, fold(target.path)):
        raise Misuse(say("reg.onto_itself", at=wanted.source))
    # All is read before anything is written: the target may lie below the source.
    keys = list(branch(registry.key(source), wanted.recurse))
    if not wanted.force:
        _ask_for_those_there(wanted, registry, target, keys, ask)
    registry.note_classes(put_branch(registry.editor(target.place), target.path, keys))


Branch = tuple[str, list[Value], bool]
"""A key's path below the top one, its values, whether it has a class name."""


def branch(top: Key, recurse: bool) -> Iterator[Branch]:
    """The key and, if asked for, all below it."""
    todo = [("", top)]
    while todo:
        path, key = todo.pop()
        yield path, key.values(), key.class_name is not None
        if recurse:
            todo += [("\\".join(part for part in (path, below.name) if part), below) for below in key.subkeys()]


def put_branch(editor: HiveEditor, target: str, keys: Iterable[Branch]) -> int:
    """Writes the keys below `target`; gives how many have a class name, which is not written."""
    classes = 0
    for path, values, has_class in keys:
        full = "\\".join(part for part in (target, path) if part)
        editor.create_key(full)
        for value in values:
            editor.set_value(full, value.name, value.type, value.data)
        classes += has_class
    return classes


def _ask_for_those_there(wanted: Copy, registry: Registry, target: Spot, keys: list[Branch], ask: Ask) -> None:
    """One question for all values that would be overwritten with something else."""
    hive: Hive = registry.read(target.place)
    top = hive.key(target.path)
    there = []
    for path, values, _ in keys if top is not None else []:
        key = top.key(path) if top is not None else None
        for value in values if key is not None else []:
            old = key.value(value.name) if key is not None else None
            if old is not None and (old.type, old.data) != (value.type, value.data):
                there.append(f"{path}\\{value.name or DEFAULT_NAME}".lstrip("\\"))
    if there:
        ask(say("reg.values_exist", count=len(there), first=there[0], at=wanted.target))
