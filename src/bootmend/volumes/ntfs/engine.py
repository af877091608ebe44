"""Everything that changes metadata: libntfs-3g, mounted over the device.

One session at a time, opened when first needed: read-only for reading compressed files, read-write
for changes. It is mounted case-sensitive and told files by their references; which name means which
file is decided by `index.py`, because the library would make `DISK.SYS` beside `disk.sys`.
Every inode is closed when a call returns, so what it changed is on the device then; only the
growth of the $MFT itself is held back until `settle`.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import c_uint16, c_void_p
from errno import EINVAL, ENOSPC

from bootmend.disk.device import BlockDevice
from bootmend.errors import BootmendError, DeviceError, InputError, Refused
from bootmend.texts import say
from bootmend.volumes.ntfs.library import DEVICE_READ_ONLY, LibraryDevice, load
from bootmend.volumes.ntfs.mft import ROOT
from bootmend.volumes.ntfs.names import units
from bootmend.volumes.ntfs.records import DATA
from bootmend.volumes.ntfs.wof import STREAM

_MOUNT_READ_ONLY = 0x1
_REGULAR, _FOLDER = 0o100000, 0o040000
MAX_WRITE = 1 << 31


class Session:
    """One mount. Not thread-safe, as the library is not."""

    def __init__(self, device: BlockDevice, name: str, writable: bool) -> None:
        self._library = load()
        self._name = name
        self.writable = writable
        self._device = LibraryDevice(device, writable)
        handle = self._library.ntfs_device_alloc(
            name.encode("utf-8", "replace"),
            0 if writable else DEVICE_READ_ONLY,
            ctypes.addressof(self._device.operations),
            None,
        )
        if not handle:
            raise self._error("the device cannot be set up")
        self._volume = self._library.ntfs_device_mount(handle, 0 if writable else _MOUNT_READ_ONLY)
        if not self._volume:
            error = self._error("the volume cannot be opened for writing" if writable else "it cannot be opened")
            self._library.ntfs_device_free(handle)
            raise error
        # Without its caches the library looks up $Extend\\$Reparse by a null name and fails: 2022.10.3, dir.c.
        self._library.ntfs_create_lru_caches(self._volume)
        self._unnamed = ctypes.addressof((c_uint16 * 1).in_dll(self._library, "AT_UNNAMED"))
        self._security_cache = c_void_p()
        self._security = (c_void_p * 16)()
        """struct SECURITY_CONTEXT: the volume, two mappings, `pseccache` (points to a NULL pointer), ids."""
        self._security[0] = self._volume
        self._security[3] = ctypes.addressof(self._security_cache)
        with self._inode(ROOT) as root:
            known = _reference(root) == ROOT
        if not known:  # its structures are not those of the versions from 2017 to 2022
            self.close()
            raise InputError(say("ntfs.strange_library"))

    def close(self) -> None:
        if self._volume:
            volume, self._volume = self._volume, None
            self._library.ntfs_destroy_security_context(self._security)
            self._check(self._library.ntfs_umount(volume, 0) == 0, "the volume cannot be closed")

    def read(self, reference: int, kind: int, name: str, offset: int, length: int) -> bytes:
        """Decompressed bytes of an attribute."""
        with self._inode(reference) as inode, self._attribute(inode, kind, name) as attribute:
            buffer = ctypes.create_string_buffer(length)
            done = self._library.ntfs_attr_pread(attribute, offset, length, buffer)
            self._check(done == length, f"{length} bytes of file {reference:#x} cannot be read")
            return buffer.raw

    def create(self, parent: int, name: str, directory: bool, security_id: int = 0) -> int:
        """A new file or folder; its reference. Owner and ACL by `security_id`, or inherited from the folder."""
        encoded = units(name)
        with self._inode(parent) as folder:
            chosen = security_id or self._library.ntfs_inherited_id(self._security, folder, int(directory))
            inode = self._library.ntfs_create(
                folder, chosen, encoded, len(encoded) // 2, _FOLDER if directory else _REGULAR
            )
            self._check(bool(inode), f"{name} cannot be created")
            reference = _reference(inode)
            self._check(self._library.ntfs_inode_close(inode) == 0, f"{name} cannot be written")
            return reference

    def write(self, reference: int, data: bytes) -> None:
        """`data` as the whole content; clusters the file owns are used again."""
        with self._inode(reference) as inode, self._attribute(inode, DATA, "") as attribute:
            done = self._library.ntfs_attr_pwrite(attribute, 0, len(data), data) if data else 0
            self._check(done == len(data), f"{len(data)} bytes cannot be written")
            self._check(self._library.ntfs_attr_truncate(attribute, len(data)) == 0, "the size cannot be set")
            self._check(self._library.ntfs_attr_pclose(attribute) == 0, "a compressed file cannot be finished")

    def drop_wof(self, reference: int) -> None:
        """Makes a WOF file an empty plain one."""
        with self._inode(reference) as inode:
            remove = self._library.ntfs_attr_remove
            stream = ctypes.create_string_buffer(units(STREAM))
            self._check(self._library.ntfs_remove_ntfs_reparse_data(inode) == 0, "the reparse point cannot be removed")
            self._check(remove(inode, DATA, stream, len(STREAM)) == 0, "the compressed stream cannot be removed")
            self._check(remove(inode, DATA, self._unnamed, 0) == 0, "the sparse content cannot be removed")
            added = self._library.ntfs_attr_add(inode, DATA, self._unnamed, 0, None, 0)
            self._check(added == 0, "the plain content cannot be added")

    def add_stream(self, reference: int, name: str, data: bytes) -> None:
        """A new named stream."""
        encoded = ctypes.create_string_buffer(units(name))
        with self._inode(reference) as inode:
            added = self._library.ntfs_attr_add(inode, DATA, encoded, len(name), None, 0)
            self._check(added == 0, f"the stream {name} cannot be added")
            with self._attribute(inode, DATA, name) as attribute:
                done = self._library.ntfs_attr_pwrite(attribute, 0, len(data), data)
                self._check(done == len(data), f"{len(data)} bytes cannot be written")

    def set_hole(self, reference: int, size: int) -> None:
        """The whole content becomes a hole of `size` bytes."""
        with self._inode(reference) as inode, self._attribute(inode, DATA, "") as attribute:
            for length in (0, size):
                self._check(self._library.ntfs_attr_truncate(attribute, length) == 0, "the size cannot be set")

    def set_reparse(self, reference: int, data: bytes) -> None:
        """`data`: a whole reparse point, its header included."""
        with self._inode(reference) as inode:
            done = self._library.ntfs_set_ntfs_reparse_data(inode, data, len(data), 0)
            self._check(done == 0, "the reparse point cannot be set")

    def link(self, reference: int, parent: int, name: str) -> None:
        encoded = units(name)
        with self._inode(reference) as inode, self._inode(parent) as folder:
            done = self._library.ntfs_link(inode, folder, encoded, len(encoded) // 2)
            self._check(done == 0, f"the name {name} cannot be added")

    def unlink(self, reference: int, parent: int, name: str) -> None:
        """Removes one name, and the file with its last one. The call consumes both inodes, failing or not."""
        encoded = units(name)
        inode = self._open(reference)
        try:
            folder = self._open(parent)
        except BootmendError:
            self._library.ntfs_inode_close(inode)
            raise
        done = self._library.ntfs_delete(self._volume, None, inode, folder, encoded, len(encoded) // 2)
        self._check(done == 0, f"{name} cannot be removed")

    def security(self, reference: int) -> bytes:
        """The self-relative security descriptor."""
        with self._inode(reference) as inode:
            size = self._library.ntfs_get_ntfs_acl(self._security, inode, None, 0)
            self._check(0 < size <= 1 << 20, "the security descriptor cannot be read")
            buffer = ctypes.create_string_buffer(size)
            again = self._library.ntfs_get_ntfs_acl(self._security, inode, buffer, size)
            self._check(again == size, "the security descriptor cannot be read")
            return buffer.raw

    def set_security(self, reference: int, descriptor: bytes) -> None:
        with self._inode(reference) as inode:
            done = self._library.ntfs_set_ntfs_acl(self._security, inode, descriptor, len(descriptor), 0)
            self._check(done == 0, "the security descriptor cannot be set")

    def set_attributes(self, reference: int, attributes: int) -> None:
        with self._inode(reference) as inode:
            done = self._library.ntfs_set_ntfs_attrib(inode, attributes.to_bytes(4, "little"), 4, 0)
            self._check(done == 0, "the attributes cannot be set")

    def set_times(self, reference: int, created: int, modified: int, accessed: int) -> None:
        times = b"".join(time.to_bytes(8, "little") for time in (created, modified, accessed))
        with self._inode(reference) as inode:
            self._check(self._library.ntfs_inode_set_times(inode, times, 24, 0) == 0, "the times cannot be set")

    @contextmanager
    def _inode(self, reference: int) -> Iterator[int]:
        inode = self._open(reference)
        try:
            yield inode
        except BaseException:
            self._library.ntfs_inode_close(inode)
            raise
        self._check(self._library.ntfs_inode_close(inode) == 0, f"file {reference:#x} cannot be written back")

    def _open(self, reference: int) -> int:
        if not self._volume:  # the library would follow a null pointer
            raise DeviceError(f"{self._name}: the session is closed")
        inode = self._library.ntfs_inode_open(self._volume, reference)
        self._check(bool(inode), f"file {reference:#x} cannot be opened")
        return int(inode)

    @contextmanager
    def _attribute(self, inode: int, kind: int, name: str) -> Iterator[int]:
        encoded = ctypes.create_string_buffer(units(name)) if name else self._unnamed
        attribute = self._library.ntfs_attr_open(inode, kind, encoded, len(name))
        self._check(bool(attribute), "the content cannot be opened")
        try:
            yield int(attribute)
        finally:
            self._library.ntfs_attr_close(attribute)

    def _check(self, good: bool, what: str) -> None:
        if not good or self._device.failure is not None:
            raise self._error(what)

    def _error(self, what: str) -> BaseException:
        number = ctypes.get_errno()
        failure = self._device.failure
        if failure is not None:
            self._device.failure = None
            return failure
        if number == ENOSPC:
            return Refused(say("ntfs.full", volume=self._name), say("ntfs.full_next"))
        reason = os.strerror(number or EINVAL)
        error = DeviceError if self.writable else InputError
        return error(f"{self._name}: {what}: libntfs-3g says: {reason}")


def _reference(inode: int) -> int:
    """`mft_no` is the first field of struct ntfs_inode, in every version."""
    return int(ctypes.c_uint64.from_address(inode).value)
