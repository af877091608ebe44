"""The machine as its edits see it: files at once, hives and stores on the desk until `save`.

An action asks for one thing at a time; edits of one hive that follow one another are made on the same
open hive and written once. Whatever touches files first writes what lies on the desk, so that the
order of a plan holds for both.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from bootmend.errors import Missing
from bootmend.findings import HiveFile
from bootmend.formats.hive import HiveEditor, Key
from bootmend.windows.desk import Desk
from bootmend.windows.image import Image


class Workbench:
    """An `EditTarget` over an image whose device may be written to: a copy-on-write overlay."""

    def __init__(self, image: Image, accept: Collection[str] = ()) -> None:
        self.image = image
        self._desk = Desk(image, accept)

    def save(self) -> None:
        """Every edit of a hive or store is in its file. Raises Refused or InputError where one cannot be written."""
        self._desk.save()

    def read_file(self, volume: int, path: str) -> bytes:
        self.save()
        return self.image.read_file(volume, path)

    def has_file(self, volume: int, path: str) -> bool:
        return self.image.has_file(volume, path)

    def put_file(self, volume: int, path: str, data: bytes) -> None:
        self.save()
        self.image.put_file(volume, path, data)

    def create_file(self, volume: int, path: str, data: bytes, like: str = "") -> None:
        self.save()
        self.image.create_file(volume, path, data, like)

    def delete_file(self, volume: int, path: str) -> None:
        self.save()
        self.image.delete_file(volume, path)

    def rename_file(self, volume: int, path: str, new_path: str) -> None:
        self.save()
        self.image.rename_file(volume, path, new_path)

    def make_folder(self, volume: int, path: str) -> None:
        self.save()
        self.image.make_folder(volume, path)

    def read_disk(self, offset: int, length: int) -> bytes:
        return self.image.device.read(offset, length)

    def write_disk(self, offset: int, data: bytes) -> None:
        """Sectors of the table or a boot sector: what was known of the volumes is read anew afterwards."""
        self.save()
        self.image.write_disk(offset, data)

    def set_value(self, hive: HiveFile, key: str, name: str, kind: int, data: bytes) -> None:
        editor = self._hive(hive)
        editor.create_key(key)
        editor.set_value(key, name, kind, data)

    def delete_value(self, hive: HiveFile, key: str, name: str) -> None:
        self._hive(hive).delete_value(key, name)

    def copy_key(self, hive: HiveFile, key: str, new_key: str) -> None:
        opened = self._desk.hive(hive.volume, hive.path)
        source = opened.view().key(key)
        if source is None:
            raise Missing(f"{hive.where}: there is no key {key}")
        _copy(source, opened.editor, new_key)

    def delete_key(self, hive: HiveFile, key: str) -> None:
        self._hive(hive).delete_key(key)

    def set_element(self, store: HiveFile, object_id: UUID, element: int, kind: int, data: bytes) -> None:
        self._desk.store(store.volume, store.path).editor.set_raw(object_id, element, kind, data)

    def create_object(self, store: HiveFile, object_id: UUID, object_type: int) -> None:
        self._desk.store(store.volume, store.path).editor.create_object(object_id, object_type)

    def delete_element(self, store: HiveFile, object_id: UUID, element: int) -> None:
        self._desk.store(store.volume, store.path).editor.delete(object_id, element)

    def _hive(self, hive: HiveFile) -> HiveEditor:
        return self._desk.hive(hive.volume, hive.path).editor


def _copy(source: Key, editor: HiveEditor, place: str) -> None:
    editor.create_key(place)
    for value in source.values():
        editor.set_value(place, value.name, value.type, value.data)
    for below in source.subkeys():
        _copy(below, editor, f"{place}\\{below.name}")
