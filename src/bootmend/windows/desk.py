"""Hives and stores of an image on the desk for editing; nothing reaches the image before `save`.

    image -> load_hive (replayed where dirty) -> OpenHive: editor + what it reads as now
          -> save: put_file of every hive that changed, its logs made quiet in the same commit

A hive that is opened and not changed is not written, not even a dirty one. One that is dirty and
whose logs cannot be applied is refused, unless `unreplayed-hive` is accepted.
"""

from __future__ import annotations

from collections.abc import Collection

from bootmend.errors import Refused
from bootmend.formats.bcd import Store
from bootmend.formats.bcd.editor import StoreEditor
from bootmend.formats.hive import Hive, HiveEditor, quiet_log
from bootmend.texts import say
from bootmend.windows.image import Image
from bootmend.windows.registry import LoadedHive, load_hive

UNREPLAYED_HIVE = "unreplayed-hive"
"""The word for `--accept` that allows work on a dirty hive whose logs cannot be applied."""


def require_replayable(hive: LoadedHive, accept: Collection[str]) -> None:
    """Raises Refused where what the hive says may not be what Windows will see."""
    if hive.unreplayable and UNREPLAYED_HIVE not in accept:
        reason = say("plan.unreplayable", hive=hive.where, reason=hive.recovery.reason)
        raise Refused(reason, say("plan.unreplayable_next", risk=UNREPLAYED_HIVE))


class OpenHive:
    """One hive on the desk: edit through `editor`, read through `view`."""

    def __init__(self, loaded: LoadedHive, accept: Collection[str]) -> None:
        require_replayable(loaded, accept)
        self.loaded = loaded
        self.editor = HiveEditor(
            loaded.recovery.data,
            loaded.where,
            highest_sequence=loaded.recovery.highest_sequence,
            allow_dirty=loaded.unreplayable,
        )

    @property
    def data(self) -> bytes:
        """The hive as it is now, edits included."""
        return self.editor.finish()

    @property
    def changed(self) -> bool:
        return self.data != self.loaded.recovery.data

    def view(self) -> Hive:
        return Hive.parse(self.data, self.loaded.where)


class OpenStore:
    """One BCD store on the desk."""

    def __init__(self, loaded: LoadedHive, accept: Collection[str]) -> None:
        require_replayable(loaded, accept)
        self.loaded = loaded
        self.editor = StoreEditor(
            loaded.recovery.data,
            loaded.where,
            loaded.recovery.highest_sequence,
            allow_dirty=loaded.unreplayable,
        )

    @property
    def data(self) -> bytes:
        """The store as it is now, edits included."""
        return self.editor.finish()

    @property
    def changed(self) -> bool:
        return self.data != self.loaded.recovery.data

    def view(self) -> Store:
        return Store.parse(self.data, self.loaded.where)


class Desk:
    """What is being edited on an image; a hive or store is opened once, by volume number and path."""

    def __init__(self, image: Image, accept: Collection[str] = ()) -> None:
        self.image = image
        self.accept = accept
        self._hives: dict[tuple[int, str], OpenHive] = {}
        self._stores: dict[tuple[int, str], OpenStore] = {}

    def hive(self, volume: int, path: str) -> OpenHive:
        """Raises Missing, ParseError, Refused (dirty beyond repair, unsound, a delta hive)."""
        place = (volume, path.lower())
        if place not in self._hives:
            self._hives[place] = OpenHive(load_hive(self.image, volume, path), self.accept)
        return self._hives[place]

    def store(self, volume: int, path: str) -> OpenStore:
        """Raises Missing, ParseError (no BCD store), Refused."""
        place = (volume, path.lower())
        if place not in self._stores:
            self._stores[place] = OpenStore(load_hive(self.image, volume, path), self.accept)
        return self._stores[place]

    def save(self) -> list[str]:
        """Writes what changed to the image and gives its addresses; the desk is empty afterwards."""
        written = []
        opened: list[OpenHive | OpenStore] = [*self._hives.values(), *self._stores.values()]
        for open_one in opened:
            if open_one.changed:
                loaded = open_one.loaded
                self.image.put_file(loaded.volume, loaded.path, open_one.data)
                for suffix, log in loaded.logs.items():
                    if any(log[:512]):
                        self.image.put_file(loaded.volume, f"{loaded.path}.{suffix}", quiet_log(log))
                written.append(loaded.where)
        self._hives.clear()
        self._stores.clear()
        return written
