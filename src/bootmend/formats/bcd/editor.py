"""Change a BCD store: set and take away elements and objects, nothing else moves.

What is already so is not written again; an existing element's key keeps its name (`250000C2`
stays upper case), so no element ever stands there twice.
"""

from __future__ import annotations

from uuid import UUID

from bootmend.errors import Missing, ParseError
from bootmend.formats.bcd.elements import Element, Value, encode_value
from bootmend.formats.bcd.objects import identifier
from bootmend.formats.bcd.store import Store
from bootmend.formats.hive import Hive, HiveEditor, Key, ValueType, check


class StoreEditor:
    """Edits on a copy of `data`; Refused where the hive is dirty or unsound, ParseError where it is no store.

    `highest_sequence` is the highest sequence number in the store's logs (`Recovery.highest_sequence`),
    so that Windows ignores them afterwards. `allow_dirty`: the loss of what only the logs hold is accepted.
    """

    def __init__(self, data: bytes, file: str, highest_sequence: int = 0, *, allow_dirty: bool = False) -> None:
        self._hive = HiveEditor(data, file, highest_sequence=highest_sequence, allow_dirty=allow_dirty)
        self._file = file
        self._know(Store.parse(data, file))

    def _know(self, store: Store) -> None:
        self._types = {found.id: found.type for found in store.objects.values()}
        self._elements = {
            (found.id, number): element
            for found in store.objects.values()
            for number, element in found.elements.items()
        }

    def set(self, object_id: UUID, element_id: int, value: Value) -> None:
        """Misuse where the value does not fit the element, Missing where there is no such object."""
        raw_type, raw = encode_value(element_id, value)
        present = self._elements.get((object_id, element_id))
        if present is None or not _same(present, Element(element_id, raw_type, raw, present.object_type)):
            self.set_raw(object_id, element_id, raw_type, raw)

    def set_raw(self, object_id: UUID, element_id: int, raw_type: int, raw: bytes) -> None:
        """The bytes as they are: to put back exactly what an `Element` held."""
        wanted = Element(element_id, raw_type, raw, self._type(object_id))
        path = _element_path(object_id, element_id)
        self._hive.create_key(path)
        self._hive.set_value(path, "Element", raw_type, raw)
        self._elements[object_id, element_id] = wanted

    def delete(self, object_id: UUID, element_id: int) -> bool:
        """Whether it was there."""
        self._elements.pop((object_id, element_id), None)
        return self._hive.delete_key(_element_path(object_id, element_id))

    def create_object(self, object_id: UUID, object_type: int) -> None:
        """An object without elements; one that is there stays as it is."""
        if object_id in self._types:
            return
        path = _object_path(object_id)
        self._hive.create_key(rf"{path}\Description")
        self._hive.set_value(rf"{path}\Description", "Type", ValueType.DWORD, object_type.to_bytes(4, "little"))
        self._hive.create_key(rf"{path}\Elements")
        self._types[object_id] = object_type

    def delete_object(self, object_id: UUID) -> bool:
        """With all its elements; whether it was there. What names it elsewhere is not touched."""
        self._types.pop(object_id, None)
        self._elements = {place: element for place, element in self._elements.items() if place[0] != object_id}
        return self._hive.delete_key(_object_path(object_id))

    def replace_objects(self, source: bytes, file: str) -> None:
        """Makes this store's objects those of another store (`file`), key by key and value by value.

        The store's own Description, which says which store it is, stays. ParseError where the source is no
        store, is dirty (what its logs hold would be lost), is unsound, or has no boot manager.
        """
        theirs = Hive.parse(source, file)
        if theirs.dirty:
            raise ParseError(file, 4, "a clean store, with two equal sequence numbers", str(theirs.sequences))
        errors = check(source, file).errors
        if errors:
            raise ParseError(file, 0, "a sound store", errors[0])
        if Store.parse(source, file).boot_manager is None:
            raise ParseError(file, 0, "a store with a boot manager")
        ours = Hive.parse(self._hive.finish(), self._file)
        wanted, present = _contents(theirs.key("Objects")), _contents(ours.key("Objects"))
        for path in present.keys() - wanted.keys():
            self._hive.delete_key(present[path].path)
        for path, key in wanted.items():
            place = present[path].path if path in present else key.path
            self._hive.create_key(place)
            values = {value.name.lower(): value for value in key.values()}
            for value in present[path].values() if path in present else ():
                if value.name.lower() not in values:
                    self._hive.delete_value(place, value.name)
            for value in values.values():
                self._hive.set_value(place, value.name, value.type, value.data)
        self._know(Store.parse(self._hive.finish(), self._file))

    def finish(self, now: int | None = None) -> bytes:
        """The edited store, or the very same bytes where nothing changed; `now` is a FILETIME."""
        return self._hive.finish(now)

    def _type(self, object_id: UUID) -> int:
        if object_id not in self._types:
            raise Missing(f"{self._file}: has no object {identifier(object_id)}")
        return self._types[object_id]


def _same(present: Element, wanted: Element) -> bool:
    """Both mean the same, though the bytes differ: an integer of 1 byte instead of 8 is left alone."""
    return type(present.value) is type(wanted.value) and present.value == wanted.value


def _object_path(object_id: UUID) -> str:
    return rf"Objects\{{{object_id}}}"


def _element_path(object_id: UUID, element_id: int) -> str:
    return rf"{_object_path(object_id)}\Elements\{element_id:08x}"


def _contents(top: Key | None) -> dict[str, Key]:
    """Every key from `top` down by its path in lower case, parents first."""
    found: dict[str, Key] = {}
    todo = [top] if top is not None else []
    while todo:
        key = todo.pop()
        if key.path.lower() not in found:
            found[key.path.lower()] = key
            todo += key.subkeys()
    return found
