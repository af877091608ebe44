"""One command of reg.exe carried out: on a Registry, with the files it names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from bootmend.commands.reg.compare import compare
from bootmend.commands.reg.edits import Ask, add, branch, copy, delete, nobody, put_branch
from bootmend.commands.reg.lines import (
    READ_ONLY,
    Add,
    Command,
    Compare,
    Copy,
    Delete,
    Export,
    Help,
    Import,
    Load,
    Query,
    Save,
)
from bootmend.commands.reg.names import KeyName, LoadedNames
from bootmend.commands.reg.query import query
from bootmend.commands.reg.regexport import reg_file
from bootmend.commands.reg.regfile import Entry, KeyEntry, RegFileError, ValueEntry, is_taken_as_western, read_reg_file
from bootmend.commands.reg.registry import Registry, Spot
from bootmend.errors import Missing, Misuse, Refused
from bootmend.formats.hive import HiveEditor, new_hive
from bootmend.texts import say
from bootmend.windows.image import address
from bootmend.windows.registry import load_hive


class Files(Protocol):
    """Where the files of `export` and `import` are: on this machine, or (in a script) wherever it says."""

    def read(self, path: str) -> bytes:
        """Raises InputError."""

    def write(self, path: str, content: bytes, *, overwrite: bool) -> None:
        """Raises Refused where the file exists and may not be overwritten, InputError where it cannot be written."""


@dataclass(slots=True)
class Answer:
    """What reg.exe would print, and what bootmend has to say about it. `lines` is drawn as it is read."""

    lines: Iterator[str]
    identical: bool = True
    """False where `compare` found a difference."""
    notes: list[str] = field(default_factory=list)
    """Complete only after `lines` was read to its end."""


def run(command: Command, registry: Registry, files: Files, ask: Ask = nobody) -> Answer:
    """Raises what errors.py draws; a search without a match raises Missing at the end of `lines`.

    After the last command of a commit (and at the latest then) `registry.guard()` must have been called;
    `run` calls it after each command that writes.
    """
    if isinstance(command, Help):
        return Answer(iter(say("reg.help").splitlines()))
    if isinstance(command, Query):
        return Answer(query(command, registry), notes=registry.notes)
    if isinstance(command, Compare):
        lines, same = compare(command, registry)
        return Answer(iter([*lines, say("reg.done")]), same, registry.notes)
    if isinstance(command, Add):
        add(command, registry, ask)
    elif isinstance(command, Delete):
        delete(command, registry, ask)
    elif isinstance(command, Copy):
        copy(command, registry, ask)
    elif isinstance(command, Export):
        _export(command, registry, files)
    elif isinstance(command, Import):
        _import(command, registry, files)
    elif isinstance(command, Save):
        _save(command, registry, files)
    elif isinstance(command, Load):
        _load(command, registry)
    else:
        _unload(command.key, registry)
    if not isinstance(command, READ_ONLY):
        registry.guard()
    return Answer(iter([say("reg.done")]), notes=registry.notes)


def _export(command: Export, registry: Registry, files: Files) -> None:
    if not command.key.hive:
        raise Misuse(say("reg.no_hive", at=command.key))
    content, notes = reg_file(registry.key(registry.find(command.key)), command.key)
    for text in notes:
        registry.note(text)
    files.write(command.file, content, overwrite=command.overwrite)


def _save(command: Save, registry: Registry, files: Files) -> None:
    """A whole hive as it is; a key below it as a new hive, with the security every new hive has."""
    spot = registry.find(command.key)
    hive = registry.read(spot.place)
    if not spot.path:
        content = bytes(hive.cells.data)
    else:
        top = registry.key(spot)
        editor = HiveEditor(new_hive(top.name, max(hive.minor, 3)), command.file)
        registry.note_classes(put_branch(editor, "", branch(top, recurse=True)))
        content = editor.finish()
    files.write(command.file, content, overwrite=command.overwrite)


def _import(command: Import, registry: Registry, files: Files) -> None:
    """The whole file is read, and every key's hive found, before the first change."""
    content = files.read(command.file)
    entries = read_reg_file(content, command.file)
    if is_taken_as_western(content):
        registry.note(say("reg.western", file=command.file))
    spots: dict[KeyName, Spot] = {}
    for entry in entries:
        if isinstance(entry, KeyEntry) and entry.key not in spots:
            try:
                spots[entry.key] = registry.find(entry.key)
            except (Missing, Misuse, Refused) as error:
                raise RegFileError(command.file, entry.line, str(error)) from None

    def editor_of(key: KeyName) -> tuple[HiveEditor, str]:
        return registry.editor(spots[key].place), spots[key].path

    apply_entries(entries, editor_of)


def apply_entries(entries: Iterable[Entry], editor_of: Callable[[KeyName], tuple[HiveEditor, str]]) -> None:
    """Every entry in order; `editor_of` gives the hive of a key and the key's path in it."""
    editor: HiveEditor | None = None
    path = ""
    for entry in entries:
        if isinstance(entry, ValueEntry):
            assert editor is not None
            if entry.data is None:
                editor.delete_value(path, entry.name)
            else:
                editor.set_value(path, entry.name, entry.type, entry.data)
            continue
        editor, path = editor_of(entry.key)
        if not entry.delete:
            editor.create_key(path)
        elif path:
            editor.delete_key(path)
        else:
            raise Refused(say("reg.whole_hive", at=entry.key), say("reg.whole_hive_next"))


def _load(command: Load, registry: Registry) -> None:
    place = registry.locate(command.file)
    loaded = load_hive(registry.image, place.volume, place.path)
    if registry.names.guess:
        # Outside a script the name would be forgotten with the end of this call.
        LoadedNames().load(command.key, place)
        registry.note(say("reg.load_alone", at=command.key, hive=loaded.where))
        return
    registry.names.load(command.key, place)
    if not loaded.path.lower().endswith(command.file.rpartition(":")[2].lower()):
        registry.note(say("reg.found_elsewhere", path=command.file, where=address(place.volume, place.path)))


def _unload(key: KeyName, registry: Registry) -> None:
    if registry.names.guess:
        registry.note(say("reg.unload_alone", at=key))
    elif not registry.names.unload(key):
        raise Missing(say("reg.nothing_loaded", at=key))
