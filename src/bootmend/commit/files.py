"""What a journal asks of the file system under it: every step that must be durable, and no other.

`DURABLE` is the real one. The crash tests put one in its place that forgets what was never
synced, as a power cut does.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bootmend.errors import InputError, Refused
from bootmend.texts import say


class Files:
    """File operations by descriptor; all raise OSError. Journals hold pieces of registries: owner only."""

    def make_folder(self, folder: Path) -> None:
        """Durable when it returns, with the folders above it; an existing folder is fine."""
        if folder.is_dir():
            return
        self.make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        self.sync_folder(folder.parent)

    def create(self, path: Path) -> int:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    def open(self, path: Path) -> int:
        return os.open(path, os.O_RDWR | os.O_CLOEXEC)

    def write(self, handle: int, offset: int, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            done = os.pwrite(handle, rest, offset)
            offset += done
            rest = rest[done:]

    def sync(self, handle: int) -> None:
        os.fsync(handle)

    def close(self, handle: int) -> None:
        os.close(handle)

    def rename(self, old: Path, new: Path) -> None:
        old.rename(new)

    def remove(self, path: Path) -> None:
        path.unlink()

    def sync_folder(self, folder: Path) -> None:
        """Makes names made, changed and removed in the folder durable."""
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


DURABLE = Files()


@contextmanager
def sole_user(folder: Path) -> Iterator[None]:
    """Nobody else commits, undoes or recovers with this journal folder meanwhile; Refused where someone does.

    An flock on the folder itself: it leaves no lock file behind and ends with the process.
    """
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise InputError(say("commit.unreadable", journal=folder, why=error.strerror)) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Refused(say("commit.folder_busy", folder=folder), say("commit.busy_next")) from error
        except OSError:
            # Some network file systems know no locks; the lock on the disk itself (lock.py) still stands.
            pass
        yield
    finally:
        os.close(handle)
