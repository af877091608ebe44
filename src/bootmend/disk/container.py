"""What a person calls a disk, opened: by content, never by the file's name.

A fixed VHD is recognised first, because to every other tool it looks like a raw disk.
A block device is always raw: what is on it is the disk itself.
"""

from __future__ import annotations

from pathlib import Path

from bootmend.disk.device import BlockDevice
from bootmend.disk.dynamic_vhd import DynamicVhd, sparse_footer
from bootmend.disk.foreign import foreign_format
from bootmend.disk.qemu import QemuDisk
from bootmend.disk.raw import RawFile
from bootmend.disk.url import Url, is_url, without_secrets
from bootmend.disk.vhd import FixedVhd, fixed_size
from bootmend.errors import InputError, Refused
from bootmend.texts import say


def open_disk(source: str, writable: bool = False) -> BlockDevice:
    """The disk in `source`, a path or URL.

    InputError if there is none in it, Refused if it is in use or has a parent, Unreachable if a URL gives nothing.
    """
    if is_url(source):
        return open_url(source, writable)
    file = RawFile(Path(source), writable)
    try:
        return _inside(file)
    except BaseException:
        file.close()
        raise


def _inside(file: RawFile) -> BlockDevice:
    if file.size == 0:
        raise InputError(say("disk.empty", path=file.name))
    if file.container == "block-device":
        return file
    if fixed_size(file) is not None:
        return FixedVhd(file)
    if sparse_footer(file) is not None:
        return DynamicVhd(file)
    image_format = foreign_format(file)
    if not image_format:
        return file
    file.close()  # and with it our lock: QEMU takes its own
    return QemuDisk(file.name, image_format, file.writable)


def open_url(source: str, writable: bool = False) -> BlockDevice:
    """Only what needs no other program: raw and fixed VHD. Writable only where the URL says that it is meant to be."""
    # What speaks HTTP takes longer to import than most disks take to open.
    from bootmend.disk.http import HttpDisk
    from bootmend.disk.page_blob import PageBlob

    if writable and not Url.parse(source).may_write:
        raise Refused(say("http.read_only", url=without_secrets(source)), say("http.read_only_next"))
    blob: HttpDisk = PageBlob(source) if writable else HttpDisk(source)
    try:
        if fixed_size(blob) is not None:
            return FixedVhd(blob)
        other = "VHD (dynamic)" if sparse_footer(blob) is not None else foreign_format(blob)
        if other:
            raise Refused(say("http.foreign", url=blob.name, format=other), say("http.foreign_next"))
        return blob
    except BaseException:
        blob.close()
        raise
