"""bcdedit on a disk: which store, which entry, what changes.

    words -> parse_line -> Line -> BcdSession.run -> Answer
                                   find_store -> the store -> listing, or edits on the desk

A session serves any number of lines on one disk, as a script needs it: what an earlier line changed is
what a later one sees. Without a desk it only reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from bootmend.commands.bcdedit.entries import EntriesEditor
from bootmend.commands.bcdedit.files import read_store, write_store
from bootmend.commands.bcdedit.lines import (
    Copy,
    Create,
    DebuggerSettings,
    Delete,
    Enumerate,
    Export,
    Help,
    Import,
    Line,
    ShowSettings,
)
from bootmend.commands.bcdedit.listing import Listing, chosen
from bootmend.commands.bcdedit.partitions import SYSTEM_DRIVE, Partitions, windows_partition
from bootmend.commands.bcdedit.places import StorePlace, find_store
from bootmend.commands.bcdedit.settings import SettingsEditor
from bootmend.errors import BootmendError, Refused
from bootmend.formats.bcd import BcdObject, Store
from bootmend.signing.roots import Trust
from bootmend.texts import say
from bootmend.volumes.volume import Volume
from bootmend.windows.bootchain import BootChain, read_boot_chain
from bootmend.windows.desk import Desk, require_replayable
from bootmend.windows.discovery import find_windows
from bootmend.windows.donor import Given
from bootmend.windows.image import Image, locked_volumes
from bootmend.windows.registry import load_hive


@dataclass(slots=True)
class Answer:
    """What a line says: `lines` as bcdedit prints them, `notes` for the user beside them."""

    lines: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    place: StorePlace | None = None
    entries: list[BcdObject] = field(default_factory=list)
    """What was listed."""


class BcdSession:
    """`desk` holds what is being edited; `letters` are drive letters the caller knows (`F:` -> volume)."""

    def __init__(self, image: Image, desk: Desk | None = None, letters: Mapping[str, int] | None = None) -> None:
        self.image = image
        self.desk = desk
        self._given_letters = {letter.upper(): number for letter, number in (letters or {}).items()}

    @cached_property
    def chain(self) -> BootChain:
        """As the disk tells it before any edit of this session."""
        return read_boot_chain(self.image)

    @cached_property
    def partitions(self) -> Partitions:
        windows, why = windows_partition(self.image, self.chain)
        return Partitions(self.image.table, windows, self._letters, why)

    def run(self, line: Line, store: str = "") -> Answer:
        """Reads or edits; `store` is used where the line itself names none. Raises any deliberate error."""
        if isinstance(line.command, Help):
            return Answer(say("bcdedit.help").splitlines())
        place = find_store(self.image, self.chain, line.store or store)
        answer = Answer(notes=list(place.notes), place=place)
        match line.command:
            case Enumerate(what, full):
                found = self._read(place, answer)
                answer.entries = chosen(found, what)
                answer.lines += Listing(found, self.partitions, full=full).lines(answer.entries)
            case ShowSettings(target):
                found = self._read(place, answer)
                answer.entries = chosen(found, target)
                answer.lines += [*Listing(found, self.partitions).elements(answer.entries[0]), say("bcdedit.done")]
            case Export(file):
                write_store(Path(file), self._bytes(place))
                answer.lines.append(say("bcdedit.done"))
            case _:
                self._edit(line, place, answer)
        return answer

    def _edit(self, line: Line, place: StorePlace, answer: Answer) -> None:
        if self.desk is None:
            raise AssertionError("an edit needs a desk")
        self._require_awake(place)
        opened = self.desk.store(place.volume, place.path)
        match line.command:
            case Create() | Copy() | Delete() as command:
                said, notes = EntriesEditor(opened.view(), opened.editor).apply(command)
            case Import(file):
                opened.editor.replace_objects(read_store(Path(file)), file)
                said, notes = say("bcdedit.done"), []
            case Enumerate() | ShowSettings() | Help() | Export():
                return
            case command:
                notes = SettingsEditor(opened.view(), opened.editor, self.partitions).apply(command)
                said = say("bcdedit.done")
                if isinstance(command, DebuggerSettings) and command.new_key:
                    answer.lines.append(f"Key={command.new_key}")
        locked = locked_volumes(self.image)
        if locked:
            notes.append(say("bcdedit.bitlocker", numbers=", ".join(str(number) for number in locked)))
        answer.lines.append(said)
        answer.notes += notes

    def _read(self, place: StorePlace, answer: Answer) -> Store:
        """The store as it is now, edits of this session included; what is odd about it becomes notes."""
        if self.desk is not None:
            return self.desk.store(place.volume, place.path).view()
        loaded = load_hive(self.image, place.volume, place.path)
        if loaded.unreplayable:
            answer.notes.append(say("bcdedit.unreplayable", store=place.where, reason=loaded.recovery.reason))
        found = Store.parse(loaded.recovery.data, place.where)
        answer.notes += found.warnings
        return found

    def _bytes(self, place: StorePlace) -> bytes:
        if self.desk is not None:
            return self.desk.store(place.volume, place.path).data
        loaded = load_hive(self.image, place.volume, place.path)
        require_replayable(loaded, self.image.accept)
        Store.parse(loaded.recovery.data, place.where)
        return loaded.recovery.data

    def _require_awake(self, place: StorePlace) -> None:
        """A hibernated Windows holds the store in memory and writes it back when it wakes."""
        for number in (place.volume, self.chain.windows_volume):
            volume = self.image.content(number) if number is not None else None
            if isinstance(volume, Volume) and volume.state().hibernated:
                raise Refused(say("plan.hibernated", volume=number), say("plan.hibernated_next"))

    def _letters(self) -> Mapping[str, int]:
        """What this Windows calls the volumes of the disk (C: is told apart elsewhere), then what the caller knows."""
        try:
            mounted = find_windows(self.image, Given(Trust()))[0].system.hive.key("MountedDevices")
        except BootmendError:
            mounted = None
        known: dict[str, int] = {}
        for value in mounted.values() if mounted is not None else []:
            letter = value.name[-2:].upper()
            number = self.image.mounted_partition(value.data)
            if value.name.lower().startswith("\\dosdevices\\") and letter != SYSTEM_DRIVE and number is not None:
                known[letter] = number
        return {**known, **self._given_letters}
