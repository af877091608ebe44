"""Where a boot application lies: the values of BCD device elements.

    BootDevice                                the partition the firmware booted from
    GptPartition, MbrPartition                one partition of one disk
    VhdPartition      ── file ──> FileDevice  a partition inside a virtual disk
    VirtualDisk       ── file ──> FileDevice  a whole virtual disk
    FileDevice        ── parent ──> ...       a file as a device
    RamdiskDevice     ── parent ──> ...       a WIM or SDI file, loaded into memory
    LocateDevice      ── parent ──> ...       the first partition that holds a certain file
    UnknownDevice                             any other kind, kept byte for byte

`options`, of any device, names the object with more settings for it (a RAM disk's boot.sdi).
device_bytes.py reads and writes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class _Device:
    options: UUID | None = None
    stray: bytes = b""
    """What differs (exclusive or) from the bytes Windows writes for such a device; nearly always nothing.

    Keeps every element exact that holds something where zeros are expected.
    """


@dataclass(frozen=True, slots=True)
class BootDevice(_Device):
    def __str__(self) -> str:
        return "boot"


@dataclass(frozen=True, slots=True)
class GptPartition(_Device):
    partition: UUID
    """The partition's own GUID (not its type)."""
    disk: UUID

    def __str__(self) -> str:
        return f"partition={{{self.partition}}} of GPT disk {{{self.disk}}}"


@dataclass(frozen=True, slots=True)
class MbrPartition(_Device):
    offset: int
    """Where the partition starts, in bytes from the start of the disk."""
    signature: int
    """The disk's signature (u32 at 0x1B8 of its MBR)."""

    def __str__(self) -> str:
        return f"partition at byte {self.offset:#x} of MBR disk {self.signature:08x}"


@dataclass(frozen=True, slots=True)
class FileDevice(_Device):
    parent: Device
    path: str

    def __str__(self) -> str:
        return f"file=[{self.parent}]{self.path}"


@dataclass(frozen=True, slots=True)
class VirtualDisk(_Device):
    file: Device

    def __str__(self) -> str:
        return f"vhd={self.file}"


@dataclass(frozen=True, slots=True)
class VhdPartition(_Device):
    partition: UUID | int
    """GUID of a GPT partition, or the byte offset of an MBR one (the upper 8 bytes are zero)."""
    file: Device

    def __str__(self) -> str:
        place = f"{{{self.partition}}}" if isinstance(self.partition, UUID) else f"at byte {self.partition:#x}"
        return f"partition={place} of vhd={self.file}"


@dataclass(frozen=True, slots=True)
class RamdiskDevice(_Device):
    parent: Device
    path: str
    base: int = 0
    size: int = 0
    offset: int = 0
    """Where the image lies in memory; zeros in stores, filled in while booting."""

    def __str__(self) -> str:
        options = f",{{{self.options}}}" if self.options else ""
        return f"ramdisk=[{self.parent}]{self.path}{options}"


@dataclass(frozen=True, slots=True)
class LocateDevice(_Device):
    """Found at boot: by the path in element `element` of the same object, or by `path`."""

    element: int = 0
    path: str = ""
    parent: Device | None = None

    def __str__(self) -> str:
        within = f"[{self.parent}]" if self.parent else ""
        return f"locate={within}{self.path or f'custom:{self.element:08x}'}"


@dataclass(frozen=True, slots=True)
class UnknownDevice(_Device):
    kind: int
    """Device type: 2 legacy partition, 3 serial, 4 UDP, 7 VMBus, ..., or a known one in an unknown form."""
    flags: int
    content: bytes
    """Everything after the 16-byte head."""

    def __str__(self) -> str:
        return f"device of type {self.kind}, {len(self.content)} bytes"


Partition: TypeAlias = GptPartition | MbrPartition
Device: TypeAlias = (
    BootDevice
    | GptPartition
    | MbrPartition
    | FileDevice
    | VirtualDisk
    | VhdPartition
    | RamdiskDevice
    | LocateDevice
    | UnknownDevice
)


def inner(device: Device) -> Device | None:
    """The device that this one stands on, if any."""
    if isinstance(device, FileDevice | RamdiskDevice | LocateDevice):
        return device.parent
    if isinstance(device, VirtualDisk | VhdPartition):
        return device.file
    return None


def partition_of(device: Device) -> Partition | None:
    """The partition of a real disk that the device lies on, however deep; None for boot, locate and unknown.

    Without options and stray bytes, so that two devices on one partition give equal ones.
    """
    for layer in _layers(device):
        if isinstance(layer, GptPartition | MbrPartition):
            return replace(layer, options=None, stray=b"")
    return None


def moved(device: Device, partition: Partition) -> Device:
    """The same device on another partition; unchanged where it names none."""
    if isinstance(device, GptPartition | MbrPartition):
        return replace(partition, options=device.options)
    below = inner(device)
    if below is None:
        return device
    if isinstance(device, FileDevice | RamdiskDevice | LocateDevice):
        return replace(device, parent=moved(below, partition), stray=b"")
    assert isinstance(device, VirtualDisk | VhdPartition)
    return replace(device, file=moved(below, partition), stray=b"")


def _layers(device: Device) -> Iterator[Device]:
    layer: Device | None = device
    while layer is not None:
        yield layer
        layer = inner(layer)
