"""The places of one machine: its store, its default loader, its control sets; read, and written on a desk.

Reading never needs a desk, so that `status` works where nothing may be written; what an edit on
the desk has changed is what is read from then on.
"""

from __future__ import annotations

from functools import cached_property
from uuid import UUID

from bootmend.errors import Missing
from bootmend.formats.bcd import BcdObject, ObjectType, Store, element_id
from bootmend.formats.hive import Hive, Key
from bootmend.switches.setting import ElementPlace, Place, Stored, ValuePlace
from bootmend.texts import say
from bootmend.windows.desk import Desk, OpenHive, OpenStore
from bootmend.windows.installation import Windows
from bootmend.windows.registry import LoadedHive, load_hive

SELECTED = ("Default", "Current", "LastKnownGood")
"""The values of `Select` that name a control set Windows may start from."""
MOST_SETS = 999


class Machine:
    """The Windows that boots, as a board of switches; without a desk it only reads."""

    def __init__(self, windows: Windows, desk: Desk | None = None) -> None:
        self.windows = windows
        self.desk = desk
        self._loaded: dict[tuple[int, str], LoadedHive] = {}
        self._open: dict[tuple[int, str], OpenHive | OpenStore] = {}
        self._hives: dict[tuple[int, str], Hive] = {}
        self._stores: dict[tuple[int, str], Store] = {}

    @property
    def store_file(self) -> tuple[int, str]:
        """(volume, path) of the store this machine boots from. Raises Missing."""
        chain = self.windows.chain
        if chain.hive is None:
            raise Missing(say("switches.no_store", why=" ".join(chain.notes)).strip())
        return chain.hive.volume, chain.hive.path

    @property
    def hive_file(self) -> tuple[int, str]:
        return self.windows.system.volume, self.windows.system.path

    @property
    def store(self) -> Store:
        return self._store(self.store_file)

    @property
    def loader(self) -> BcdObject:
        """The OS loader that boots when nobody chooses. Raises Missing where the store does not say which."""
        store = self.store
        default = store.default
        if default is not None and default.type == ObjectType.OS_LOADER:
            return default
        listed = [store.objects[one] for one in dict.fromkeys(store.display_order) if one in store.objects]
        loaders = [one for one in listed if one.type == ObjectType.OS_LOADER]
        if len(loaders) != 1:
            raise Missing(say("switches.no_loader", store=store.file))
        return loaders[0]

    @cached_property
    def control_sets(self) -> list[str]:
        """The control sets that `Select` names and that are there, the one of the next start first. Raises Missing."""
        hive = self._hive(self.hive_file)
        select = hive.key("Select")
        names = []
        for word in SELECTED:
            value = select.value(word) if select is not None else None
            number = int.from_bytes(value.data[:4], "little") if value is not None else 0
            if 0 < number <= MOST_SETS and hive.key(f"ControlSet{number:03}") is not None:
                names.append(f"ControlSet{number:03}")
        if not names:
            raise Missing(say("switches.no_control_set", hive=hive.file))
        return list(dict.fromkeys(names))

    @property
    def notes(self) -> list[str]:
        """What is not as it should be about the store and the hive: sentences."""
        told = list(self.windows.chain.notes)
        for hive in (self.windows.chain.hive, self.windows.system):
            if hive is not None and hive.unreplayable:
                told.append(say("switches.dirty", hive=hive.where))
        return told

    def key(self, path: str) -> Key | None:
        """A key of the SYSTEM hive as it is now."""
        return self._hive(self.hive_file).key(path)

    def element(self, found: BcdObject | UUID, name: str, object_type: int | None = None) -> ElementPlace:
        """The place of an element, by bcdedit's name, in an object that is there, or would be of that type."""
        if isinstance(found, BcdObject):
            identity, kind = found.id, found.type
        else:
            identity, kind = found, object_type or 0
        number = element_id(name, kind)
        assert number is not None, name
        return ElementPlace(*self.store_file, identity, number, int(kind))

    def value(self, key: str, name: str) -> ValuePlace:
        return ValuePlace(*self.hive_file, key, name)

    def read(self, place: Place) -> Stored | None:
        """What stands there now; None where there is no such value, key, element or object."""
        if isinstance(place, ElementPlace):
            found = self._store(place.file).objects.get(place.object)
            element = found.elements.get(place.element) if found is not None else None
            return Stored(element.raw_type, element.raw) if element is not None else None
        key = self._hive(place.file).key(place.key)
        value = key.value(place.name) if key is not None else None
        return Stored(value.type, value.data) if value is not None else None

    def there(self, place: Place) -> bool:
        """Whether it can be written: its object, or its control set, is (still) there."""
        try:
            if isinstance(place, ElementPlace):
                return place.object in self._store(place.file).objects
            return self._hive(place.file).key(place.key.partition("\\")[0]) is not None
        except Missing:
            return False

    def write(self, place: Place, stored: Stored | None, object_type: int | None = None) -> list[str]:
        """Puts it there (None: takes away what is there); names of the object or keys made for it, outermost first.

        An object is made only where `object_type` says as what; Missing otherwise. Raises Refused
        where the hive is dirty and its logs cannot be applied, or is unsound.
        """
        made: list[str] = []
        if isinstance(place, ElementPlace):
            opened = self._open_store(place.file)
            if stored is None:
                opened.editor.delete(place.object, place.element)
            else:
                if object_type is not None and place.object not in self._store(place.file).objects:
                    opened.editor.create_object(place.object, object_type)
                    made.append(f"{{{place.object}}}")
                opened.editor.set_raw(place.object, place.element, stored.type, stored.data)
        else:
            hive = self._open_hive(place.file)
            if stored is None:
                hive.editor.delete_value(place.key, place.name)
            else:
                made = self._missing_keys(place)
                hive.editor.create_key(place.key)
                hive.editor.set_value(place.key, place.name, stored.type, stored.data)
        self._forget(place.file)
        return made

    def unmake(self, place: Place, made: list[str]) -> None:
        """Removes again what `write` made for a place, as far as nothing stands in it now."""
        for name in reversed(made):
            if isinstance(place, ElementPlace):
                found = self._store(place.file).objects.get(UUID(name))
                if found is not None and not found.elements:
                    self._open_store(place.file).editor.delete_object(found.id)
            else:
                key = self._hive(place.file).key(name)
                if key is not None and not key.values() and not key.subkeys():
                    self._open_hive(place.file).editor.delete_key(name)
            self._forget(place.file)

    def _missing_keys(self, place: ValuePlace) -> list[str]:
        hive, parts = self._hive(place.file), place.key.split("\\")
        paths = ["\\".join(parts[: depth + 1]) for depth in range(len(parts))]
        return [path for path in paths if hive.key(path) is None]

    def _forget(self, file: tuple[int, str]) -> None:
        self._hives.pop(file, None)
        self._stores.pop(file, None)

    def _open_store(self, file: tuple[int, str]) -> OpenStore:
        assert self.desk is not None
        opened = self.desk.store(*file)
        self._open[file] = opened
        return opened

    def _open_hive(self, file: tuple[int, str]) -> OpenHive:
        assert self.desk is not None
        opened = self.desk.hive(*file)
        self._open[file] = opened
        return opened

    def _data(self, file: tuple[int, str]) -> tuple[bytes, str]:
        """The hive as it is now, logs applied and edits made, and its address."""
        opened = self._open.get(file)
        if opened is not None:
            return opened.data, opened.loaded.where
        if file not in self._loaded:
            # The store first: with it alone, a SYSTEM hive that cannot be read is not asked for.
            known = self.windows.chain.hive
            if known is None or (known.volume, known.path) != file:
                known = self.windows.system
            same = (known.volume, known.path) == file
            self._loaded[file] = known if same else load_hive(self.windows.image, *file)
        loaded = self._loaded[file]
        return loaded.recovery.data, loaded.where

    def _store(self, file: tuple[int, str]) -> Store:
        if file not in self._stores:
            self._stores[file] = Store.parse(*self._data(file))
        return self._stores[file]

    def _hive(self, file: tuple[int, str]) -> Hive:
        if file not in self._hives:
            self._hives[file] = Hive.parse(*self._data(file))
        return self._hives[file]


def boot_manager(machine: Machine) -> BcdObject:
    """Raises Missing where the store has none."""
    found = machine.store.boot_manager
    if found is None:
        raise Missing(say("switches.no_boot_manager", store=machine.store.file))
    return found
