"""The bytes behind a blob: a disk with its footer, or what a run command wrote."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bootmend.clouds.azure.simulate.footer import make_footer
from bootmend.clouds.azure.simulate.wire import Json
from bootmend.clouds.azure.simulate.world import Resource, World, new_guid

_FOOTER = 512


class PageBlob:
    """A disk's content, and the footer behind it: what was uploaded as one, or one of its own."""

    blob_type = "PageBlob"

    def __init__(self, world: World, disk: Resource, known: Json) -> None:
        self._contents = world.contents
        self._disk = disk
        self._known = known
        self._data = world.contents.size(disk.inside["content"])
        self.size = self._data + _FOOTER
        self.incremental = bool(disk.properties.get("incremental"))

    @property
    def etag(self) -> str:
        return f'"{self._known["etag"]}"'

    def read(self, offset: int, length: int) -> bytes:
        data = self._contents.read(self._disk.inside["content"], offset, length)
        if offset + length > self._data:
            data += self._footer()[max(0, offset - self._data) : offset + length - self._data]
        return data

    def write(self, offset: int, data: bytes, *, clear: bool = False) -> None:
        inside = self._disk.inside
        inside["content"] = self._contents.own(inside["content"])
        body = data[: max(0, self._data - offset)]
        if body and clear:
            self._contents.clear(inside["content"], offset, len(body))
        elif body:
            self._contents.write(inside["content"], offset, body)
        if len(body) < len(data):
            inside["footer"] = data[len(body) :].hex()
        self._known["etag"] = new_guid()

    def pages(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """[start, end) of what was written; the footer always is."""
        for offset, length in self._contents.extents(self._disk.inside["content"], start, end):
            yield offset, offset + length
        if end > self._data:
            yield max(start, self._data), end

    def _footer(self) -> bytes:
        """A disk that is being uploaded has none until one is written."""
        written: str | None = self._disk.inside.get("footer")
        if written is not None:
            return bytes.fromhex(written)
        if self._disk.properties["creationData"]["createOption"] in ("Upload", "UploadPreparedSecure"):
            return bytes(_FOOTER)
        return make_footer(self._data, self._disk.properties["uniqueId"])


class FileBlob:
    """An append blob or picture: a file in the world's folder."""

    incremental = False

    def __init__(self, world: World, known: Json) -> None:
        self._path: Path = world.folder / "blobs" / known["file"]
        self._known = known
        self.blob_type = str(known["type"])

    @property
    def size(self) -> int:
        return self._path.stat().st_size

    @property
    def etag(self) -> str:
        return f'"{self._known["etag"]}"'

    def read(self, offset: int, length: int) -> bytes:
        with self._path.open("rb") as file:
            file.seek(offset)
            return file.read(length)

    def replace(self, data: bytes) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_bytes(data)
        self._known["etag"] = new_guid()

    def append(self, data: bytes) -> None:
        with self._path.open("ab") as file:
            file.write(data)
        self._known["etag"] = new_guid()


Blob = PageBlob | FileBlob


def disk_blob(world: World, path: str, resource: Resource) -> None:
    """A blob at `path` that shows the bytes of a disk or snapshot, until `withdraw`."""
    world.blobs[path] = {"kind": "disk", "resource": resource.id, "etag": new_guid()}


def file_blob(world: World, path: str, data: bytes, blob_type: str) -> FileBlob:
    """The blob at `path`, with `data` in it instead of what was there."""
    known = world.blobs.setdefault(path, {"kind": "file", "file": new_guid(), "type": blob_type, "etag": new_guid()})
    blob = FileBlob(world, known)
    blob.replace(data)
    return blob


def withdraw(world: World, path: str) -> None:
    world.blobs.pop(path, None)


def find_blob(world: World, path: str) -> Blob | None:
    known = world.blobs.get(path)
    if known is None:
        return None
    if known["kind"] == "disk":
        return PageBlob(world, world.get(known["resource"]), known)
    return FileBlob(world, known)
