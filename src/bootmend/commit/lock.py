"""Nobody else at the disk: one bootmend at a time, and none while a machine runs from it or it is mounted.

    exclusive            flock on the disk: held from the first read of a repair to its last byte
    refuse_if_in_use     asks once: mounts, swaps, loop devices, QEMU's image lock, other writers

The disk opened for writing has locks of its own kind (disk/raw.py: QEMU's image lock on a file,
O_EXCL on a block device), so `exclusive` leaves these to it, unless asked to hold the disk still
for a reader. Two kinds because flock is ours alone: QEMU never looks at it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bootmend.commit import image_lock, in_use
from bootmend.errors import InputError, Refused
from bootmend.texts import say

_PATIENCE = 2.0
"""Seconds: systemd-udevd locks a block device for a moment after each use ("Locking Block Device Access")."""


@contextmanager
def exclusive(source: str, *, image: bool = False) -> Iterator[None]:
    """Ours alone until the block ends; the disk may be open already, in this process or a child of it.

    `image` also keeps virtual machines from starting from it while it is only open for reading;
    the disk cannot be open for writing then. A URL has no lock here: its cloud's
    lease guards it. Refused where someone else uses the disk; InputError where it cannot be opened.
    """
    if "://" in source:
        yield
        return
    path = Path(source)
    handle = _opened(path, image)
    try:
        _flock(handle, source)
        _refuse(source, in_use.who_uses(path))
        taken = image_lock.taken(handle) and not in_use.all_locks_are_ours(path)
        if taken or (image and not image_lock.take(handle)):
            _refuse(source, _lock_holders(path))
        yield
    finally:
        os.close(handle)


def refuse_if_in_use(source: str) -> None:
    """Refused, naming who uses the disk and what to do. Holds nothing afterwards."""
    with exclusive(source):
        pass


def _opened(path: Path, image: bool) -> int:
    try:
        # O_EXCL on a block device: not while it or a partition of it is mounted or otherwise claimed.
        claim = os.O_EXCL if image and stat.S_ISBLK(path.stat().st_mode) else 0
        return os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | claim)
    except OSError as error:
        if error.errno == errno.EBUSY:
            _refuse(str(path), in_use.who_uses(path))
            _refuse(str(path), iter([say("commit.claimed")]))
        raise InputError(say("commit.unreadable", journal=path, why=error.strerror)) from error


def _flock(handle: int, source: str) -> None:
    patience = _PATIENCE if stat.S_ISBLK(os.fstat(handle).st_mode) else 0.0
    give_up = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() >= give_up:
                raise Refused(say("commit.disk_busy", source=source), say("commit.busy_next")) from error
            time.sleep(0.05)
        except OSError:
            # A file system without locks; the device's own lock and the check of every byte remain.
            return
        else:
            return


def _lock_holders(path: Path) -> Iterator[str]:
    named = False
    for pid, name in in_use.processes(path):
        named = True
        yield say("commit.image_locked_by", name=name, pid=pid)
    if not named:
        yield say("commit.image_locked")


def _refuse(source: str, users: Iterator[str]) -> None:
    who = "; ".join(users)
    if who:
        raise Refused(say("commit.in_use", source=source, who=who), say("commit.in_use_next"))
