"""Containers that QEMU reads for us: which one a file is, and which files QEMU must not be given.

An image can name other files (a parent, a data file) that QEMU would open by whatever path the
image says. Such images are refused here, before QEMU sees them: a disk must not choose which of
this machine's files are read. An image that somebody has left half-written (a VHDX whose log is
not replayed) is refused as well, for replaying writes before any journal exists.

Sources: QEMU docs/interop/qcow2.rst; VMware, "Virtual Disk Format 5.0"; Microsoft, [MS-VHDX].
"""

from __future__ import annotations

import re

from bootmend.binary import View
from bootmend.disk.device import BlockDevice
from bootmend.disk.vhdx import has_pending_log
from bootmend.errors import Refused
from bootmend.texts import say

_HEAD = 4096
_MOST_DESCRIPTOR = 1 << 20
_DATA_FILE = 1 << 2
_CORRUPT = 1 << 1


def foreign_format(file: BlockDevice) -> str:
    """QEMU's name of the format (vhdx, qcow2, vmdk, vdi), or nothing. Refused where QEMU must not open it."""
    view = View(file.read(0, min(_HEAD, file.size)), file.name)
    start = view.bytes(0, min(len(view), 80)).ljust(80, b"\0")
    if start[:8] == b"vhdxfile":
        if has_pending_log(file):
            raise Refused(say("disk.vhdx_log", path=file.name), say("disk.vhdx_log_next", path=file.name))
        return "vhdx"
    if start[:4] == b"QFI\xfb":
        _check_qcow2(file, view)
        return "qcow2"
    if start[:4] == b"KDMV":
        _check_vmdk(file, view)
        return "vmdk"
    if start[:4] == b"COWD" or start.startswith(b"# Disk DescriptorFile"):
        raise Refused(say("disk.vmdk_parts", path=file.name), say("disk.vmdk_parts_next"))
    if start[64:68] == b"\x7f\x10\xda\xbe":
        return "vdi"
    return ""


def _check_qcow2(file: BlockDevice, view: View) -> None:
    def big(offset: int, width: int) -> int:
        return int.from_bytes(view.bytes(offset, width, "a qcow2 header"), "big")

    version, at, length = big(4, 4), big(8, 8), big(16, 4)
    if at:
        parent = "?"
        if length <= 1023 and at + length <= file.size:
            parent = file.read(at, length).decode("utf-8", "replace")
        raise Refused(say("disk.has_parent", path=file.name, parent=parent), say("disk.has_parent_next"))
    if big(32, 4):
        raise Refused(say("disk.encrypted", path=file.name), say("disk.encrypted_next"))
    features = big(72, 8) if version >= 3 else 0
    if features & _DATA_FILE:
        raise Refused(say("disk.data_file", path=file.name), say("disk.has_parent_next"))
    if features & _CORRUPT:
        raise Refused(say("disk.marked_corrupt", path=file.name), say("disk.marked_corrupt_next"))


def _check_vmdk(file: BlockDevice, view: View) -> None:
    """The descriptor inside a sparse extent: it may name a parent, or other extents."""
    start, length = view.u64(28) * 512, view.u64(36) * 512
    if not start:
        return
    if length > _MOST_DESCRIPTOR or start + length > file.size:
        raise view.fail(28, "a VMDK descriptor inside the file", f"{length} bytes at {start:#x}")
    text = file.read(start, length).split(b"\0", 1)[0].decode("utf-8", "replace")
    parent_id = re.search(r"^\s*parentCID\s*=\s*(\w+)", text, re.MULTILINE | re.IGNORECASE)
    if parent_id is not None and parent_id[1].lower() != "ffffffff":
        hint = re.search(r'^\s*parentFileNameHint\s*=\s*"([^"\n]*)"', text, re.MULTILINE | re.IGNORECASE)
        parent = hint[1] if hint is not None else "?"
        raise Refused(say("disk.has_parent", path=file.name, parent=parent), say("disk.has_parent_next"))
    extents = re.findall(r"^\s*(?:RW|RDONLY|NOACCESS)\s+\d+\s+(\w+)", text, re.MULTILINE)
    # A capacity of 0 is how QEMU is told that the descriptor, not this file, says where the disk is.
    if view.u64(12) == 0 or len(extents) > 1 or any(kind != "SPARSE" for kind in extents):
        raise Refused(say("disk.vmdk_parts", path=file.name), say("disk.vmdk_parts_next"))
