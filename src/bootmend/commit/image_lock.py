"""QEMU's own lock on a disk image, so that virtual machines and we keep out of each other's way.

QEMU (block/file-posix.c) locks single bytes of an image with open file description locks, always
shared ones: byte 100 + n says "I use permission n", byte 200 + n "nobody else may have permission
n", where 0 is a consistent read, 1 writing, 3 resizing. Whoever comes locks first, then tests the
opposite bytes for others' locks. We use all and share none, so any lock of QEMU's is in our way
and ours is in the way of any of its programs (short of `-U`, `force-share`).
"""

from __future__ import annotations

import fcntl
import os
import struct

_START = 100
_LENGTH = 200
_FLOCK = struct.Struct("hhqqi4x")
"""struct flock of 64-bit Linux: l_type, l_whence, l_start, l_len, l_pid."""


def taken(handle: int) -> bool:
    """True where someone else holds a part of the image lock; False too on a file system without such locks."""
    question = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, _START, _LENGTH, 0)
    try:
        answer = fcntl.fcntl(handle, fcntl.F_OFD_GETLK, question)
    except OSError:
        return False
    return bool(_FLOCK.unpack(answer)[0] != fcntl.F_UNLCK)


def take(handle: int) -> bool:
    """Holds the image lock until `handle` is closed; False, and nothing held, where someone else has a part of it."""
    try:
        fcntl.fcntl(handle, fcntl.F_OFD_SETLK, _FLOCK.pack(fcntl.F_RDLCK, os.SEEK_SET, _START, _LENGTH, 0))
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        # A network file system without such locks: QEMU goes on there as well.
        return True
    if not taken(handle):
        return True
    fcntl.fcntl(handle, fcntl.F_OFD_SETLK, _FLOCK.pack(fcntl.F_UNLCK, os.SEEK_SET, _START, _LENGTH, 0))
    return False
