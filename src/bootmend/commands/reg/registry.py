"""The registry of the Windows on a disk, by the names reg.exe has for it.

    KeyName -> hive file (config\\*, the BCD store, a loaded name) -> Spot: its place and the path in it

`CurrentControlSet` is no key of a hive but a link Windows makes when it starts; here it leads where
`Select\\Current` points. Reading shows a dirty hive as its logs make it; what is not replayable is shown
as it lies there, with a note, and never written (the desk refuses it).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

from bootmend.commands.reg.names import (
    BCD_HIVE,
    CONFIG_HIVES,
    LOCAL_MACHINE,
    SHORT,
    HivePlace,
    KeyName,
    LoadedNames,
    guessed_hive,
    split_path,
)
from bootmend.errors import InputError, Missing, Misuse, Refused
from bootmend.formats.hive import Hive, HiveEditor, Key
from bootmend.texts import say
from bootmend.windows.bootchain import read_boot_chain
from bootmend.windows.desk import Desk
from bootmend.windows.image import Image, address
from bootmend.windows.installation import Windows
from bootmend.windows.registry import load_hive

STUB_CONTROL_SET = "stub-control-set"
"""The word for `--accept` that allows an incomplete control set to be made."""
DELETE_CONTROL_SET = "delete-control-set"
"""The word for `--accept` that allows a control set Windows boots with, or `Select`, to be deleted."""
_NEEDED = ("Control", "Services")
"""Without these keys a control set boots nothing."""
_VOLATILE = ("HARDWARE",)
_SET = re.compile(r"ControlSet[0-9]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Spot:
    """A key by its hive file and the path in that hive; it need not exist."""

    name: KeyName
    place: HivePlace
    path: str


class Registry:
    """The hives of one image; `desk` is where they are edited, None where nothing may be written."""

    def __init__(
        self,
        image: Image,
        windows: Callable[[], Windows],
        desk: Desk | None = None,
        names: LoadedNames | None = None,
        accept: Collection[str] = (),
    ) -> None:
        self.image = image
        self.windows = windows
        self.desk = desk
        self.names = names if names is not None else LoadedNames(guess=True)
        self.accept = accept
        self.notes: list[str] = []
        """What the user should know beside the answer, each once."""
        self._edited: dict[tuple[int, str], Callable[[], Hive]] = {}
        self._sets: dict[tuple[int, str], tuple[HivePlace, set[str]]] = {}

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    def note_classes(self, count: int) -> None:
        """Keys with a class name were copied without it."""
        if count:
            self.note(say("reg.classes_lost", count=count))

    def find(self, key: KeyName) -> Spot:
        """Where a key stands, or would. Raises Missing for an unknown hive, Refused for what no disk holds."""
        place = self._place(key)
        return Spot(key, place, self._resolved(key, place))

    def hives(self, root: str) -> list[str]:
        """The names below HKEY_LOCAL_MACHINE or HKEY_USERS that have a hive on this disk."""
        found = [name for name in CONFIG_HIVES[root] if self._there(KeyName(root, name))]
        if root == LOCAL_MACHINE and read_boot_chain(self.image).hive is not None:
            found.append(BCD_HIVE)
        return sorted(found)

    def locate(self, path: str) -> HivePlace:
        """The file of this disk that a Windows path (`F:\\...`, `3:\\...`, `\\...`) means. Raises Missing, Misuse."""
        drive, rest = split_path(path)
        if drive.isdecimal():
            return self._existing(HivePlace(int(drive), rest), path)
        if rest.lower().endswith("\\boot\\bcd"):
            chain = read_boot_chain(self.image)
            if chain.hive is not None:
                return HivePlace(chain.hive.volume, chain.hive.path)
        return self._existing(HivePlace(self.windows().volume, rest), path)

    def read(self, place: HivePlace) -> Hive:
        """The hive as it is now, edits of this desk included. Raises Missing, ParseError."""
        if place.file in self._edited:
            return self._edited[place.file]()
        loaded = load_hive(self.image, place.volume, place.path)
        if loaded.replayed:
            self.note(say("reg.replayed", hive=loaded.where))
        elif loaded.unreplayable:
            self.note(say("reg.unreplayable", hive=loaded.where, reason=loaded.recovery.reason))
        if self.desk is not None and _is_store(loaded.hive) and not loaded.unreplayable:
            # bcdedit edits it on the same desk.
            return Hive.parse(self.desk.store(place.volume, place.path).data, loaded.where)
        return loaded.hive

    def key(self, spot: Spot) -> Key:
        """The key to read. Raises Missing."""
        hive = self.read(spot.place)
        key = hive.key(spot.path)
        for warning in hive.warnings if key is None else []:
            self.note(f"{hive.file}: {warning}")
        if key is None:
            raise Missing(say("reg.no_key", at=spot.name))
        return key

    def editor(self, place: HivePlace) -> HiveEditor:
        """The hive to write. Raises Refused: dirty beyond repair, unsound, a BCD store, nothing to be written."""
        if self.desk is None:
            raise Refused(say("reg.read_only"))
        opened = self.desk.hive(place.volume, place.path)
        if place.file not in self._edited:
            hive = opened.view()
            if _is_store(hive):
                raise Refused(say("reg.is_bcd", hive=hive.file), say("reg.is_bcd_next"))
            self._sets[place.file] = place, set(_control_sets(hive))
            self._edited[place.file] = opened.view
        return opened.editor

    def guard(self) -> None:
        """Raises Refused where the edits so far leave a control set that cannot boot, and nobody accepted that."""
        for place, before in self._sets.values():
            hive = self.read(place)
            select = hive.key("Select")
            after = _control_sets(hive)
            for key in [after[name] for name in sorted(after.keys() - before)]:
                if STUB_CONTROL_SET not in self.accept and any(key.key(part) is None for part in _NEEDED):
                    named = _selected(select, key.name)
                    reason = say("reg.stub_selected" if named else "reg.stub", set=key.name, select=named)
                    current = _current(hive) or "CurrentControlSet"
                    raise Refused(reason, say("reg.stub_next", current=current, risk=STUB_CONTROL_SET))
            gone = before - after.keys()
            if (gone or (before and select is None)) and DELETE_CONTROL_SET not in self.accept:
                what = ", ".join(sorted(gone)) if select is not None else "Select"
                raise Refused(say("reg.set_gone", what=what), say("reg.set_gone_next", risk=DELETE_CONTROL_SET))

    def _place(self, key: KeyName) -> HivePlace:
        if not key.hive:
            raise Misuse(say("reg.no_hive", at=key))
        loaded = self.names.find(key)
        if loaded is not None:
            return loaded
        upper = key.hive.upper()
        if upper in _VOLATILE and key.root == LOCAL_MACHINE:
            raise Refused(say("reg.volatile", at=key), say("reg.live_root_next"))
        if upper == BCD_HIVE and key.root == LOCAL_MACHINE:
            chain = read_boot_chain(self.image)
            if chain.hive is None:
                raise Missing(say("reg.no_store"))
            return HivePlace(chain.hive.volume, chain.hive.path)
        file = CONFIG_HIVES[key.root].get(upper)
        if file is None and self.names.guess and key.root == LOCAL_MACHINE:
            file = guessed_hive(key.hive)
            if file is not None:
                self.note(say("reg.guessed", name=f"{SHORT[key.root]}\\{key.hive}", hive=self._config(file).path))
        if file is None:
            known = ", ".join([*CONFIG_HIVES[key.root], *([BCD_HIVE] if key.root == LOCAL_MACHINE else [])])
            raise Missing(say("reg.no_such_hive" if self.names.guess else "reg.not_loaded", at=key, known=known))
        return self._config(file)

    def _config(self, file: str) -> HivePlace:
        windows = self.windows()
        for note in windows.chain.notes:
            self.note(note)
        return HivePlace(windows.volume, f"{windows.path}\\System32\\config\\{file}")

    def _there(self, key: KeyName) -> bool:
        try:
            place = self._place(key)
            return self.image.has_file(place.volume, place.path)
        except InputError:
            return False

    def _existing(self, place: HivePlace, path: str) -> HivePlace:
        if self.image.has_file(place.volume, place.path):
            return place
        stem, dot, _ = place.path.rpartition(".")
        if dot and "\\" not in place.path[len(stem) :] and self.image.has_file(place.volume, stem):
            raise Missing(say("reg.no_file_but", path=path, meant=path[: path.rfind(".")]))
        raise Missing(say("reg.no_file", path=path, where=address(place.volume, place.path)))

    def _resolved(self, key: KeyName, place: HivePlace) -> str:
        first, slash, rest = key.path.partition("\\")
        if first.lower() != "currentcontrolset":
            return key.path
        hive = self.read(place)
        if hive.key("Select") is None:
            return key.path
        current = _current(hive)
        if current is None or hive.key(current) is None:
            raise Missing(say("reg.no_current", hive=hive.file, set=current or "?"))
        default = _named(hive, "Default")
        if default is not None and default != current:
            self.note(say("reg.other_default", current=current, default=default))
        return f"{current}{slash}{rest}"


def _is_store(hive: Hive) -> bool:
    return hive.key("Objects") is not None and hive.key("Description") is not None


def _current(hive: Hive) -> str | None:
    """The control set that `Select\\Current` names."""
    return _named(hive, "Current")


def _named(hive: Hive, word: str) -> str | None:
    """The control set that a value of `Select` names."""
    select = hive.key("Select")
    value = select.value(word) if select is not None else None
    return f"ControlSet{value.number:03d}" if value is not None and 1 <= len(value.data) <= 8 else None


def _control_sets(hive: Hive) -> dict[str, Key]:
    """The control sets of a SYSTEM hive by their names in lower case; none in other hives."""
    if hive.key("Select") is None:
        return {}
    return {key.name.lower(): key for key in hive.root.subkeys() if _SET.fullmatch(key.name)}


def _selected(select: Key | None, name: str) -> str:
    """The value of `Select` that names this set; empty where none does."""
    for value in select.values() if select is not None else []:
        if 1 <= len(value.data) <= 8 and f"controlset{value.number:03d}" == name.lower():
            return f"Select\\{value.name}"
    return ""
