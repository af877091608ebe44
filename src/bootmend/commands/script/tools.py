"""bcdedit, reg and the words for files over one desk: what an earlier line changed is what a later one sees.

Each line gives sentences about its effect: an element or value as it was and as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from bootmend.commands.bcdedit.lines import DeleteValue
from bootmend.commands.bcdedit.lines import Export as StoreExport
from bootmend.commands.bcdedit.lines import Import as StoreImport
from bootmend.commands.bcdedit.parse import parse_line
from bootmend.commands.bcdedit.places import find_store
from bootmend.commands.bcdedit.run import BcdSession
from bootmend.commands.reg import LoadedNames, Registry, parse_key
from bootmend.commands.reg import parse as parse_reg
from bootmend.commands.reg import run as run_reg
from bootmend.commands.reg.data import shown
from bootmend.commands.reg.lines import Add, Delete, Load, Query
from bootmend.commands.script.drives import Drives
from bootmend.commands.script.filewords import FileWords
from bootmend.commands.script.wrong import LeftOut
from bootmend.edit import Edit
from bootmend.errors import Missing, Refused
from bootmend.formats.bcd import Store
from bootmend.texts import say
from bootmend.windows.image import address

MOST_REG_FILE = 64 << 20


class Tools:
    def __init__(
        self, edit: Edit, drives: Drives, *, guess_names: bool, accept: Collection[str], letters: Mapping[str, int]
    ) -> None:
        self.edit = edit
        self.drives = drives
        self.files = FileWords(edit.image, drives)
        self.names = LoadedNames(guess=guess_names)
        self.loaded: list[str] = []
        """Names that `reg load` gave and `reg unload` has not taken away."""
        self._accept = accept
        self._bcd = BcdSession(edit.image, edit.desk, {f"{letter}:": number for letter, number in letters.items()})
        self._registry: Registry | None = None
        self.notes: list[str] = []

    @property
    def registry(self) -> Registry:
        if self._registry is None:
            edit = self.edit
            self._registry = Registry(edit.image, lambda: edit.windows, edit.desk, self.names, self._accept)
        return self._registry

    def file_words(self, program: str, words: list[str]) -> list[str]:
        self._require_awake()
        self._files_as_they_are()
        try:
            done = self.files.run(program, words)
        except Missing as error:
            if program in ("del", "erase", "rd", "rmdir"):
                raise LeftOut(str(error), error.exit_code) from error
            raise
        self._note(self.drives.notes)
        return done

    def _require_awake(self) -> None:
        """A Windows that sleeps on a volume would write over what is changed there."""
        for number, volume in self.edit.image.volumes():
            if volume.state().hibernated:
                raise Refused(say("plan.hibernated", volume=number), say("plan.hibernated_next"))

    def _files_as_they_are(self) -> None:
        """What was edited in hives and stores becomes their files' content, and is read from there again."""
        self.edit.desk.save()
        self._registry = None

    def bcdedit(self, words: list[str]) -> list[str]:
        line = parse_line(words)
        place = find_store(self.edit.image, self._bcd.chain, line.store)
        if isinstance(line.command, StoreExport | StoreImport):
            self._note(list(place.notes))
            return self._whole_store(line.command, place.volume, place.path)
        if line.reads_only:
            self._bcd.run(line)
            return [say("script.only_reads")]
        before = self.edit.desk.store(place.volume, place.path).view()
        try:
            answer = self._bcd.run(line)
        except Missing as error:
            if isinstance(line.command, DeleteValue) and before.object(line.command.target or "{default}") is not None:
                raise LeftOut(str(error), error.exit_code) from error
            raise
        self._note(answer.notes)
        return _differences(before, self.edit.desk.store(place.volume, place.path).view())

    def _whole_store(self, command: StoreExport | StoreImport, volume: int, path: str) -> list[str]:
        """`/export` and `/import` of a script name a file of the disk, not of this machine."""
        image, opened = self.edit.image, self.edit.desk.store(volume, path)
        file = self.drives.place(command.file)
        if isinstance(command, StoreImport):
            before = opened.view()
            data = image.volume(file.volume).read(file.path, MOST_REG_FILE)
            opened.editor.replace_objects(data, address(file.volume, file.path))
            return _differences(before, opened.view())
        data = opened.data
        if image.has_file(file.volume, file.path):
            image.put_file(file.volume, file.path, data)
        else:
            image.create_file(file.volume, file.path, data)
        return [say("script.exported", place=file, size=len(data))]

    def reg(self, words: list[str]) -> list[str]:
        command = parse_reg(words)
        if isinstance(command, Load):
            # Its file is named by a letter, and may be one that an earlier line put there.
            command = Load(key=command.key, file=str(self.drives.place(command.file)))
        registry = self.registry
        before = self._value(command)
        if isinstance(command, Delete):
            self._require_there(command)
        answer = run_reg(command, registry, DiskFiles(self))
        lines = list(answer.lines) if not isinstance(command, Query) else []
        self._note(answer.notes)
        name = words[1].partition("\\")[2].upper() if len(words) > 1 else ""
        if words[0].lower() == "load":
            self.loaded.append(name)
            return [say("script.loaded", name=words[1], place=self.names_place(words[1]))]
        if words[0].lower() == "unload":
            self.loaded = [one for one in self.loaded if one != name]
            return [say("script.unloaded", name=words[1])]
        if isinstance(command, Add | Delete) and command.name is not None:
            after = self._value(command)
            value = command.name or "(Default)"
            return [say("script.value", where=str(command.key), name=value, before=before, after=after)]
        return lines or [say("script.only_reads")]

    def _require_there(self, command: Delete) -> None:
        """Raises LeftOut for a key or value that is not there to be deleted."""
        spot = self.registry.find(command.key)
        key = self.registry.read(spot.place).key(spot.path)
        if key is None or (command.name is not None and not command.values and key.value(command.name) is None):
            named = f"{command.key} {command.name or ''}".rstrip()
            raise LeftOut(say("script.nothing_to_delete", name=named), Missing.exit_code)

    def names_place(self, word: str) -> str:
        spot = self.registry.find(parse_key(word))
        return address(spot.place.volume, spot.place.path)

    def _value(self, command: object) -> str:
        """The value that a line is about, as it is now."""
        if not isinstance(command, Add | Delete) or command.name is None:
            return ""
        try:
            key = self.registry.key(self.registry.find(command.key))
        except (Missing, Refused):
            return say("script.absent")
        value = key.value(command.name)
        return shown(value) if value is not None else say("script.absent")

    def _note(self, notes: list[str]) -> None:
        for note in notes:
            plain = note.removeprefix("Note: ")
            if plain not in self.notes:
                self.notes.append(plain)


class DiskFiles:
    """The .reg files that `reg export` and `reg import` of a script name: on the disk, by the script's letters."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def read(self, path: str) -> bytes:
        place = self._tools.drives.place(path)
        return self._tools.edit.image.volume(place.volume).read(place.path, MOST_REG_FILE)

    def write(self, path: str, content: bytes, *, overwrite: bool) -> None:
        place, image = self._tools.drives.place(path), self._tools.edit.image
        if not image.has_file(place.volume, place.path):
            image.create_file(place.volume, place.path, content)
        elif overwrite:
            image.put_file(place.volume, place.path, content)
        else:
            raise Refused(say("script.exists", place=place), say("script.export_next"))


def _differences(before: Store, after: Store) -> list[str]:
    """Every element that is not as it was, with its two values."""
    told = []
    for object_id in dict.fromkeys([*before.objects, *after.objects]):
        old, new = before.objects.get(object_id), after.objects.get(object_id)
        one = new or old
        assert one is not None
        if old is None or new is None:
            told.append(say("script.entry_new" if old is None else "script.entry_gone", name=one.name))
        elements = (old.elements if old else {}, new.elements if new else {})
        for number in dict.fromkeys([*elements[0], *elements[1]]):
            was, now = elements[0].get(number), elements[1].get(number)
            if was != now:
                named = now or was
                assert named is not None
                values = [str(e).partition(" ")[2] if e is not None else say("script.absent") for e in (was, now)]
                told.append(say("script.value", where=one.name, name=named.name, before=values[0], after=values[1]))
    return told or [say("script.no_difference")]
