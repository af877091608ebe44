"""libntfs-3g through ctypes: its functions, and a device of its own kind over a BlockDevice.

Only what is the same in every header from 2017.3.23 to today is relied upon: the ten device
operations, the signatures, and the size of nothing else (a SECURITY_CONTEXT gets 128 zero bytes).
"""

from __future__ import annotations

import ctypes
from ctypes import CFUNCTYPE, Structure, c_char_p, c_int, c_int64, c_long, c_uint, c_uint64, c_void_p
from ctypes.util import find_library
from errno import EIO, EOPNOTSUPP, EROFS
from functools import cache
from typing import Any

from bootmend.disk.device import BlockDevice
from bootmend.errors import Unequipped
from bootmend.texts import say

DEVICE_READ_ONLY = 1 << 1
_SEEK_SET, _SEEK_CUR, _SEEK_END = 0, 1, 2

_Open = CFUNCTYPE(c_int, c_void_p, c_int, use_errno=True)
_Close = CFUNCTYPE(c_int, c_void_p, use_errno=True)
_Seek = CFUNCTYPE(c_int64, c_void_p, c_int64, c_int, use_errno=True)
_Transfer = CFUNCTYPE(c_int64, c_void_p, c_void_p, c_int64, use_errno=True)
_TransferAt = CFUNCTYPE(c_int64, c_void_p, c_void_p, c_int64, c_int64, use_errno=True)
_Stat = CFUNCTYPE(c_int, c_void_p, c_void_p, use_errno=True)
_Control = CFUNCTYPE(c_int, c_void_p, c_uint64, c_void_p, use_errno=True)


class _Operations(Structure):
    """struct ntfs_device_operations, device_io.h."""

    _fields_ = [
        ("open", _Open),
        ("close", _Close),
        ("seek", _Seek),
        ("read", _Transfer),
        ("write", _Transfer),
        ("pread", _TransferAt),
        ("pwrite", _TransferAt),
        ("sync", _Close),
        ("stat", _Stat),
        ("ioctl", _Control),
    ]


class LibraryDevice:
    """A BlockDevice as the library sees it. An error below is kept in `failure`: the library's own errno misleads."""

    def __init__(self, device: BlockDevice, writable: bool) -> None:
        self._device = device
        self._writable = writable
        self._position = 0
        self.failure: BaseException | None = None
        self.operations = _Operations(
            _Open(lambda _dev, _flags: 0),
            _Close(lambda _dev: 0),
            _Seek(self._seek),
            _Transfer(self._read),
            _Transfer(self._write),
            _TransferAt(self._pread),
            _TransferAt(self._pwrite),
            _Close(lambda _dev: 0),
            _Stat(lambda _dev, _stat: self._fail(EOPNOTSUPP)),
            _Control(lambda _dev, _request, _argument: self._fail(EOPNOTSUPP)),
        )

    def _fail(self, number: int, cause: BaseException | None = None) -> int:
        if cause is not None and self.failure is None:
            self.failure = cause
        ctypes.set_errno(number)
        return -1

    def _seek(self, _dev: int, offset: int, whence: int) -> int:
        base = {_SEEK_SET: 0, _SEEK_CUR: self._position, _SEEK_END: self._device.size}.get(whence, 0)
        self._position = base + offset
        return self._position

    def _read(self, dev: int, buffer: int, count: int) -> int:
        done = self._pread(dev, buffer, count, self._position)
        self._position += max(0, done)
        return done

    def _write(self, dev: int, buffer: int, count: int) -> int:
        done = self._pwrite(dev, buffer, count, self._position)
        self._position += max(0, done)
        return done

    def _pread(self, _dev: int, buffer: int, count: int, offset: int) -> int:
        try:
            count = max(0, min(count, self._device.size - offset))
            ctypes.memmove(buffer, self._device.read(offset, count), count)
        except BaseException as error:
            return self._fail(EIO, error)
        return count

    def _pwrite(self, _dev: int, buffer: int, count: int, offset: int) -> int:
        if not self._writable:
            return self._fail(EROFS)
        try:
            self._device.write(offset, ctypes.string_at(buffer, count))
        except BaseException as error:
            return self._fail(EIO, error)
        return count


_SIGNATURES: dict[str, tuple[Any, list[Any]]] = {
    "ntfs_device_alloc": (c_void_p, [c_char_p, c_long, c_void_p, c_void_p]),
    "ntfs_device_free": (c_int, [c_void_p]),
    "ntfs_device_mount": (c_void_p, [c_void_p, ctypes.c_ulong]),
    "ntfs_create_lru_caches": (None, [c_void_p]),
    "ntfs_umount": (c_int, [c_void_p, ctypes.c_uint8]),
    "ntfs_inode_open": (c_void_p, [c_void_p, c_uint64]),
    "ntfs_inode_close": (c_int, [c_void_p]),
    "ntfs_create": (c_void_p, [c_void_p, c_uint, c_char_p, ctypes.c_uint8, c_uint]),
    "ntfs_link": (c_int, [c_void_p, c_void_p, c_char_p, ctypes.c_uint8]),
    "ntfs_delete": (c_int, [c_void_p, c_char_p, c_void_p, c_void_p, c_char_p, ctypes.c_uint8]),
    "ntfs_attr_open": (c_void_p, [c_void_p, c_uint, c_void_p, c_uint]),
    "ntfs_attr_close": (None, [c_void_p]),
    "ntfs_attr_pread": (c_int64, [c_void_p, c_int64, c_int64, c_void_p]),
    "ntfs_attr_pwrite": (c_int64, [c_void_p, c_int64, c_int64, c_char_p]),
    "ntfs_attr_pclose": (c_int, [c_void_p]),
    "ntfs_attr_truncate": (c_int, [c_void_p, c_int64]),
    "ntfs_attr_add": (c_int, [c_void_p, c_uint, c_void_p, ctypes.c_uint8, c_char_p, c_int64]),
    "ntfs_attr_remove": (c_int, [c_void_p, c_uint, c_void_p, c_uint]),
    "ntfs_remove_ntfs_reparse_data": (c_int, [c_void_p]),
    "ntfs_set_ntfs_reparse_data": (c_int, [c_void_p, c_char_p, ctypes.c_size_t, c_int]),
    "ntfs_get_ntfs_acl": (c_int, [c_void_p, c_void_p, c_char_p, ctypes.c_size_t]),
    "ntfs_set_ntfs_acl": (c_int, [c_void_p, c_void_p, c_char_p, ctypes.c_size_t, c_int]),
    "ntfs_inherited_id": (c_uint, [c_void_p, c_void_p, c_int]),
    "ntfs_destroy_security_context": (None, [c_void_p]),
    "ntfs_set_ntfs_attrib": (c_int, [c_void_p, c_char_p, ctypes.c_size_t, c_int]),
    "ntfs_inode_set_times": (c_int, [c_void_p, c_char_p, ctypes.c_size_t, c_int]),
    "ntfs_set_char_encoding": (c_int, [c_char_p]),
    "ntfs_log_set_handler": (None, [c_void_p]),
}


@cache
def load() -> ctypes.CDLL:
    """The library, its functions typed; raises Unequipped with the line that installs it."""
    for name in ("libntfs-3g.so.89", "libntfs-3g.so.88", find_library("ntfs-3g")):
        if not name:
            continue
        try:
            library = ctypes.CDLL(name, use_errno=True)
        except OSError:
            continue
        for function, (result, arguments) in _SIGNATURES.items():
            getattr(library, function).restype = result
            getattr(library, function).argtypes = arguments
        library.ntfs_log_set_handler(ctypes.cast(library.ntfs_log_handler_null, c_void_p))
        library.ntfs_set_char_encoding(b"utf8")
        return library
    raise Unequipped(say("ntfs.no_library"))
