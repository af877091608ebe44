"""A raw image file or a block device: the bytes as they stand.

A device opened for writing is ours alone: a block device is claimed with O_EXCL, which the
kernel refuses while it or one of its partitions is mounted; an image file gets QEMU's own
image lock (QEMU, block/file-posix.c: bytes 100.. and 200.. of the file, open file description
locks), so the disk of a running virtual machine is refused and a second writer is too.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import struct
from collections.abc import Iterator
from io import FileIO
from pathlib import Path

from bootmend.disk.device import BlockDevice
from bootmend.errors import DeviceError, InputError, Refused
from bootmend.texts import say

_BLKSSZGET = 0x1268
"""linux/fs.h: _IO(0x12, 104), the logical sector size of a block device."""

_QEMU_LOCK_START = 100
_QEMU_LOCK_LENGTH = 200
"""Covers both of QEMU's ranges: permissions held from byte 100 on, permissions not shared from byte 200 on."""

_FLOCK = struct.Struct("hhqqi4x")
"""struct flock of 64-bit Linux: l_type, l_whence, l_start, l_len, l_pid."""

_MOST_AT_ONCE = 1 << 30
"""Linux moves at most 0x7ffff000 bytes in one call."""


class RawFile(BlockDevice):
    """`path` as a device. InputError if it cannot be opened, Refused if someone else uses it and we are to write."""

    def __init__(self, path: str | Path, writable: bool = False) -> None:
        self.name = str(path)
        self.writable = writable
        self._file = _open(self.name, writable)
        try:
            self._handle = self._file.fileno()
            kind = os.fstat(self._handle).st_mode
            if stat.S_ISBLK(kind):
                self.container = "block-device"
                self.sector_size = _sector_size(self._handle)
            elif writable:
                _lock_image(self._handle, self.name)
            self.size = os.lseek(self._handle, 0, os.SEEK_END)
        except BaseException:
            self._file.close()
            raise

    def _read(self, offset: int, length: int) -> bytes:
        pieces: list[bytes] = []
        while length:
            try:
                piece = os.pread(self._handle, min(length, _MOST_AT_ONCE), offset)
            except OSError as error:
                raise self._failed("read", offset, error) from error
            if not piece:
                raise DeviceError(f"{self.name}: ends at {offset:#x}, {length} bytes before the end it told")
            pieces.append(piece)
            offset += len(piece)
            length -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _write(self, offset: int, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            try:
                done = os.pwrite(self._handle, rest[:_MOST_AT_ONCE], offset)
            except OSError as error:
                raise self._failed("write", offset, error) from error
            offset += done
            rest = rest[done:]

    def grow(self, size: int) -> None:
        """Makes an image file `size` bytes long, the new ones zeros: for containers that grow as they fill."""
        if not self.writable or self.container == "block-device" or size < self.size:
            raise DeviceError(f"{self.name}: cannot become {size} bytes long")
        try:
            os.ftruncate(self._handle, size)
        except OSError as error:
            raise self._failed("growing", size, error) from error
        self.size = size

    def flush(self) -> None:
        if not self.writable:
            return
        try:
            os.fsync(self._handle)
        except OSError as error:
            raise DeviceError(f"{self.name}: flush failed: {error.strerror}") from error

    def close(self) -> None:
        self._file.close()

    def data_extents(self) -> Iterator[tuple[int, int]]:
        at = 0
        while at < self.size:
            try:
                start = os.lseek(self._handle, at, os.SEEK_DATA)
                end = os.lseek(self._handle, start, os.SEEK_HOLE)
            except OSError as error:
                if error.errno == errno.ENXIO:  # nothing but a hole from here on
                    return
                # A block device, or a file system that does not know its holes.
                yield (at, self.size)
                return
            yield (start, min(end, self.size))
            at = end

    def _failed(self, verb: str, offset: int, error: OSError) -> DeviceError:
        return DeviceError(f"{self.name}: {verb} at {offset:#x} failed: {error.strerror}")


def _open(path: str, writable: bool) -> FileIO:
    def opener(name: str, flags: int) -> int:
        if writable and _is_block_device(name):
            flags |= os.O_EXCL
        # A FIFO must not make us wait for its writer; on files and block devices the flag has no effect.
        return os.open(name, flags | os.O_NONBLOCK)

    try:
        file = open(path, "r+b" if writable else "rb", buffering=0, opener=opener)  # noqa: SIM115
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError(say("disk.missing", path=path)) from error
    except IsADirectoryError as error:
        raise InputError(say("disk.folder", path=path)) from error
    except PermissionError as error:
        raise InputError(say("disk.permission", path=path)) from error
    except OSError as error:
        if error.errno == errno.EBUSY:
            raise Refused(say("disk.busy", path=path), say("disk.busy_next")) from error
        raise InputError(say("disk.unreadable", path=path, why=error.strerror)) from error
    except ValueError as error:  # a NUL in the name
        raise InputError(say("disk.missing", path=path)) from error
    kind = os.fstat(file.fileno()).st_mode
    if not (stat.S_ISREG(kind) or stat.S_ISBLK(kind)):
        file.close()
        raise InputError(say("disk.not_a_disk", path=path))
    return file


def _is_block_device(path: str) -> bool:
    try:
        return stat.S_ISBLK(Path(path).stat().st_mode)
    except (OSError, ValueError):
        return False


def _sector_size(handle: int) -> int:
    try:
        answer = fcntl.ioctl(handle, _BLKSSZGET, bytes(4))
    except OSError:
        return 512
    size = int.from_bytes(answer, "little")
    return size if size in (512, 1024, 2048, 4096) else 512


def _lock_image(handle: int, path: str) -> None:
    request = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, _QEMU_LOCK_START, _QEMU_LOCK_LENGTH, 0)
    try:
        fcntl.fcntl(handle, fcntl.F_OFD_SETLK, request)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES):
            raise Refused(say("disk.busy", path=path), say("disk.busy_next")) from error
        # Some network file systems have no such locks; QEMU goes on there as well.
