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
from bootmend.disk.vhd import FixedVhd, fixed_size
from bootmend.errors import InputError
from bootmend.texts import say


def open_disk(source: str, writable: bool = False) -> BlockDevice:
    """The disk in `source`, a path. InputError if there is none in it, Refused if it is in use or has a parent."""
    if source.lower().startswith(("http://", "https://")):
        raise InputError(say("disk.url", url=source.partition("?")[0]))
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
