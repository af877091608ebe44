"""Changes of single settings, made on a store's editor: `/set`, `/deletevalue`, `/ems` and their like.

Each gives the notes that the user should read. Nothing reaches the disk here.
"""

from __future__ import annotations

from uuid import UUID

from bootmend.commands.bcdedit.identifiers import did_you_mean, entry
from bootmend.commands.bcdedit.lines import (
    DebuggerSettings,
    Default,
    DeleteValue,
    EmsSettings,
    Order,
    Place,
    Set,
    Settings,
    Switch,
    Timeout,
)
from bootmend.commands.bcdedit.listing import header
from bootmend.commands.bcdedit.partitions import Partitions
from bootmend.commands.bcdedit.values import read_value
from bootmend.errors import Missing, Misuse
from bootmend.formats.bcd import (
    WELL_KNOWN,
    BcdObject,
    ElementFormat,
    ObjectType,
    Store,
    StoreEditor,
    Value,
    element_format,
    element_ids,
    element_names,
    identifier,
)
from bootmend.texts import say

BOOT_MENU = ("default", "displayorder", "bootsequence", "toolsdisplayorder")
"""Elements of the boot manager that name what boots: an entry that is not there would stop the machine."""
_ADVICE = {"nointegritychecks": "secure_boot", "testsigning": "secure_boot", "integrityservices": "secure_boot"}


class SettingsEditor:
    """Edits the settings of one store; `store` is what it holds before this line."""

    def __init__(self, store: Store, editor: StoreEditor, partitions: Partitions) -> None:
        self._store = store
        self._editor = editor
        self._partitions = partitions

    def apply(self, command: Settings) -> list[str]:
        """Raises Misuse (the words do not fit the store), Missing (no such entry or element)."""
        match command:
            case Set():
                return self._set(command.target, command.element, command.words, command.place)
            case DeleteValue():
                return self._delete(command)
            case Switch():
                return self._switch(command)
            case EmsSettings():
                return self._ems_settings(command)
            case DebuggerSettings():
                return self._debugger_settings(command)
            case Timeout():
                return self._set("{bootmgr}", "timeout", (str(command.seconds),))
            case Default():
                return self._set("{bootmgr}", "default", (command.target,))
            case Order():
                return self._set("{bootmgr}", command.element, command.targets, command.place)

    def _target(self, word: str | None) -> tuple[BcdObject, list[str]]:
        """The entry, and a note where the line named none: bcdedit then means {current}."""
        if word is not None:
            found = entry(word, self._store)
            note = (
                [say("bcdedit.firmware_entry", word=word)]
                if found.type >> 20 == 0x101 and not _is_manager(found)
                else []
            )
            return found, note
        found = entry("{default}", self._store)
        return found, [
            say("bcdedit.no_target", current="{current}", id=f"{{{found.id}}}", title=found.title or header(found))
        ]

    def _element(self, found: BcdObject, name: str) -> int:
        """The id of an element by its name; of two that share one, the one that is there."""
        ids = element_ids(name, found.type)
        if not ids or (name.lower().startswith("custom:") and len(name) != len("custom:xxxxxxxx")):
            if name.lower() in element_names():
                raise Misuse(say("bcdedit.not_its_element", element=name, id=identifier(found.id), kind=header(found)))
            near = did_you_mean(name, element_names(found.type)) or did_you_mean(name, element_names())
            raise Misuse(say("bcdedit.no_element", element=name, meant=near))
        return next((each for each in ids if each in found.elements), ids[0])

    def _set(self, target: str | None, name: str, words: tuple[str, ...], place: Place | None = None) -> list[str]:
        found, notes = self._target(target)
        number = self._element(found, name)
        value = read_value(number, found.type, words, self._store, self._partitions)
        if place is not None:
            value = self._placed(found, number, name, value, place)
        notes += self._check_references(found, name, value, place)
        if value == []:
            # Windows keeps no empty list: the element goes with its last item.
            self._editor.delete(found.id, number)
        else:
            self._editor.set(found.id, number, value)
        advice = _ADVICE.get(name.lower())
        return notes + ([say(f"bcdedit.{advice}", element=name)] if advice and value not in (False, 0) else [])

    def _placed(self, found: BcdObject, number: int, name: str, value: Value, place: Place) -> Value:
        """The list that is there, with the given identifiers first, last or gone."""
        if element_format(number) is not ElementFormat.OBJECT_LIST or not isinstance(value, list):
            raise Misuse(say("bcdedit.no_list", element=name, word=place.value))
        element = found.elements.get(number)
        present = element.value if element is not None and isinstance(element.value, list) else []
        ids: list[UUID] = [each for each in present if isinstance(each, UUID)]
        given: list[UUID] = [each for each in value if isinstance(each, UUID)]
        if place is Place.REMOVE:
            gone = [each for each in given if each not in ids]
            if gone:
                raise Missing(say("bcdedit.not_in_list", element=name, id=identifier(gone[0])))
        kept = [each for each in ids if each not in given]
        return {Place.FIRST: given + kept, Place.LAST: kept + given, Place.REMOVE: kept}[place]

    def _check_references(self, found: BcdObject, name: str, value: Value, place: Place | None) -> list[str]:
        """Notes about entries that are named and not there; Missing where the boot manager would need them."""
        named = [value] if isinstance(value, UUID) else value if isinstance(value, list) else []
        absent = [each for each in named if isinstance(each, UUID) and each not in self._store.objects]
        if absent and found.type == ObjectType.BOOT_MANAGER and name.lower() in BOOT_MENU and place is not Place.REMOVE:
            raise Missing(say("bcdedit.boots_nothing", element=name, id=identifier(absent[0])))
        if isinstance(value, UUID) and name.lower() == "default" and not absent:
            chosen = self._store.objects[value]
            if chosen.type >> 28 != 1 or _is_manager(chosen):
                raise Misuse(say("bcdedit.cannot_boot", id=identifier(value), kind=header(chosen)))
        return [say("bcdedit.dangling", element=name, id=identifier(each)) for each in absent]

    def _delete(self, command: DeleteValue) -> list[str]:
        found, notes = self._target(command.target)
        number = self._element(found, command.element)
        if number not in found.elements:
            raise Missing(say("bcdedit.no_value", element=command.element, id=identifier(found.id)))
        self._editor.delete(found.id, number)
        return notes

    def _switch(self, command: Switch) -> list[str]:
        found, _ = self._target(command.target)
        if command.element in ("ems", "debug", "event") and found.type not in (
            ObjectType.OS_LOADER,
            ObjectType.LOADER_SETTINGS,
            ObjectType.SETTINGS,
        ):
            raise Misuse(say("bcdedit.only_loaders", element=command.element, word=command.target, kind=header(found)))
        return self._set(command.target, command.element, ("on" if command.on else "off",))

    def _debugger_settings(self, command: DebuggerSettings) -> list[str]:
        kind = _kind_of(command.target)
        for name, word in command.elements.items():
            # All words are read before anything is made of the first.
            read_value(element_ids(name, kind)[0], kind, (word,), self._store, self._partitions)
        notes = self._settings_entry(command.target)
        for name, word in command.elements.items():
            notes += self._set(command.target, name, (word,))
        return notes

    def _ems_settings(self, command: EmsSettings) -> list[str]:
        notes = self._settings_entry("{emssettings}")
        ems = WELL_KNOWN["emssettings"]
        found = self._store.objects.get(ems)
        if command.port is None:
            for name in ("emsport", "emsbaudrate"):
                self._editor.delete(ems, element_ids(name, ObjectType.SETTINGS)[0])
            return [*notes, say("bcdedit.ems_firmware")]
        self._editor.set(ems, element_ids("emsport", ObjectType.SETTINGS)[0], command.port)
        rate = element_ids("emsbaudrate", ObjectType.SETTINGS)[0]
        if command.baud_rate is not None:
            self._editor.set(ems, rate, command.baud_rate)
        elif found is None or rate not in found.elements:
            notes.append(say("bcdedit.ems_default_rate"))
        else:
            notes.append(say("bcdedit.ems_kept_rate", rate=found.elements[rate].value))
        return notes

    def _settings_entry(self, word: str) -> list[str]:
        """Makes the entry of settings where the store has none, and notes when nothing inherits it."""
        wanted = WELL_KNOWN[word.strip("{}")]
        notes = []
        if wanted not in self._store.objects:
            self._editor.create_object(wanted, _kind_of(word))
            self._store = Store.parse(self._editor.finish(), self._store.file)
            notes.append(say("bcdedit.settings_made", word=word))
        lists = [found.element("inherit") for found in self._store.objects.values()]
        if not any(wanted in each.value for each in lists if each is not None and isinstance(each.value, list)):
            notes.append(say("bcdedit.nobody_inherits", word=word))
        return notes


def _kind_of(settings: str) -> ObjectType:
    return ObjectType.LOADER_SETTINGS if settings == "{hypervisorsettings}" else ObjectType.SETTINGS


def _is_manager(found: BcdObject) -> bool:
    return found.type == ObjectType.BOOT_MANAGER
