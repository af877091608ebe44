"""The bytes of disks and blobs: sparse files, shared by disks until one of them is written.

A snapshot or a copy of a disk costs nothing: it names the same content. The first write to a content with more
than one user, or to a file from outside, gives the writer a (sparse) copy of its own. Holes stay holes.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from bootmend.clouds.azure.simulate.wire import Json

_PIECE = 1 << 24
_PUNCH_KEEP_SIZE = 0x03
"""linux/falloc.h: FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE."""


class Contents:
    """Contents by name; what is saved of them is a plain object (`saved`)."""

    def __init__(self, folder: Path, saved: Json | None = None) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        state = saved or {"next": 1, "known": {}}
        self._next: int = state["next"]
        self._known: dict[str, Json] = state["known"]
        """name -> size in bytes, number of users, and the path where it is somebody else's file."""

    def saved(self) -> Json:
        return {"next": self._next, "known": self._known}

    def empty(self, size: int) -> str:
        name = self._name(size, None)
        with self._file(name).open("wb") as file:
            file.truncate(size)
        return name

    def adopt(self, path: Path, size: int) -> str:
        """A file from outside, of which the first `size` bytes count; it is never written."""
        return self._name(size, str(path.resolve()))

    def share(self, name: str) -> str:
        """One user more."""
        with self._lock:
            self._known[name]["users"] += 1
        return name

    def release(self, name: str) -> None:
        with self._lock:
            known = self._known[name]
            known["users"] -= 1
            if known["users"] == 0:
                del self._known[name]
                if known["path"] is None:
                    self._file(name).unlink(missing_ok=True)

    def size(self, name: str) -> int:
        return int(self._known[name]["size"])

    def path(self, name: str) -> Path:
        """To read from; longer than the content where a file from outside is."""
        outside = self._known[name]["path"]
        return self._file(name) if outside is None else Path(outside)

    def own(self, name: str) -> str:
        """The name of a content that its user may write to: itself, or a copy of it."""
        with self._lock:
            known = self._known[name]
            if known["users"] == 1 and known["path"] is None:
                return name
            copy = self.empty(known["size"])
            sparse_copy(self.path(name), self._file(copy), known["size"])
            self.release(name)
            return copy

    def read(self, name: str, offset: int, length: int) -> bytes:
        with self.path(name).open("rb") as file:
            return os.pread(file.fileno(), max(0, min(length, self.size(name) - offset)), offset)

    def write(self, name: str, offset: int, data: bytes) -> None:
        """Only to a content that is `own`."""
        with self._file(name).open("r+b") as file:
            os.pwrite(file.fileno(), data, offset)

    def clear(self, name: str, offset: int, length: int) -> None:
        """A hole, only in a content that is `own`."""
        with self._file(name).open("r+b") as file:
            punch = ctypes.CDLL(None, use_errno=True).fallocate
            punch.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
            if punch(file.fileno(), _PUNCH_KEEP_SIZE, offset, length):
                os.pwrite(file.fileno(), bytes(length), offset)

    def extents(self, name: str, start: int, end: int) -> Iterator[tuple[int, int]]:
        """(offset, length) of what is not a hole in [start, end)."""
        with self.path(name).open("rb") as file:
            yield from data_extents(file.fileno(), start, min(end, self.size(name)))

    def _name(self, size: int, path: str | None) -> str:
        with self._lock:
            name = f"c{self._next}"
            self._next += 1
            self._known[name] = {"size": size, "users": 1, "path": path}
            return name

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.raw"


def data_extents(handle: int, start: int, end: int) -> Iterator[tuple[int, int]]:
    """(offset, length) of what a sparse file holds in [start, end)."""
    at = start
    while at < end:
        try:
            data = os.lseek(handle, at, os.SEEK_DATA)
        except OSError:  # ENXIO: a hole up to the end
            return
        if data >= end:
            return
        at = min(os.lseek(handle, data, os.SEEK_HOLE), end)
        yield data, at - data


def sparse_copy(source: Path, target: Path, size: int) -> None:
    """Copies the first `size` bytes into a file that is all hole."""
    with source.open("rb") as old, target.open("r+b") as new:
        for offset, length in data_extents(old.fileno(), 0, size):
            done = 0
            while done < length:
                step = os.copy_file_range(
                    old.fileno(), new.fileno(), min(_PIECE, length - done), offset + done, offset + done
                )
                if step == 0:
                    break
                done += step
