"""Where the devices of a boot entry lead: to a partition of this disk, to one that is not here, or to what boots.

A `boot` device is the partition that the firmware started from, a `locate` device is looked for at each
boot: both name nothing and are right. A device inside another (a RAM disk's image, a virtual disk's file)
leads to the partition that holds the outermost file.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from uuid import UUID

from bootmend.formats.bcd import (
    BcdObject,
    BootDevice,
    Device,
    FileDevice,
    GptPartition,
    MbrPartition,
    Partition,
    RamdiskDevice,
    Store,
    VhdPartition,
    VirtualDisk,
    partition_of,
)
from bootmend.windows.bootchain import BootChain, find_partition
from bootmend.windows.image import Image


class Leads(Enum):
    HERE = "here"
    """To a partition of this disk."""
    FOUND_AT_BOOT = "found at boot"
    """`boot`, `locate`, or a kind that names no partition (the network, a VMBus)."""
    NOWHERE_HERE = "nowhere here"
    """To a partition that this disk does not have."""
    UNREADABLE = "unreadable"
    """Its bytes are not those of a device."""
    UNSET = "unset"


@dataclass(frozen=True, slots=True)
class DeviceSetting:
    """One device element of an object, and what became of it."""

    name: str
    """device, osdevice."""
    leads: Leads
    device: Device | None = None
    partition: int | None = None
    """Number of the partition it leads to."""

    @property
    def named(self) -> Partition | None:
        """The partition it names, here or not."""
        return partition_of(self.device) if self.device is not None else None

    @property
    def in_memory(self) -> bool:
        """A RAM disk or a file as a device: Setup, a recovery environment."""
        return isinstance(self.device, RamdiskDevice | FileDevice)

    @property
    def virtual_disk(self) -> str:
        """The path of the virtual disk's file that it lies in (native boot of a VHD); empty where it lies in none."""
        file = self.device.file if isinstance(self.device, VhdPartition | VirtualDisk) else None
        return file.path if isinstance(file, FileDevice) else ""


def device_setting(image: Image, chain: BootChain, store: Store, found: BcdObject, name: str) -> DeviceSetting:
    """The element `name` of an object, its own or inherited."""
    element = store.setting(found, name)
    if element is None:
        return DeviceSetting(name, Leads.UNSET)
    device = element.device
    if device is None:
        return DeviceSetting(name, Leads.UNREADABLE)
    named = partition_of(device)
    if named is None:
        volume = chain.start.volume if isinstance(device, BootDevice) else None
        return DeviceSetting(name, Leads.FOUND_AT_BOOT, device, volume)
    number = find_partition(image, named)
    return DeviceSetting(name, Leads.HERE if number is not None else Leads.NOWHERE_HERE, device, number)


def same_disk(one: Partition, other: Partition) -> bool:
    """Whether both stand on one disk, by the disk's own identity in them."""
    if isinstance(one, GptPartition) and isinstance(other, GptPartition):
        return one.disk == other.disk
    return isinstance(one, MbrPartition) and isinstance(other, MbrPartition) and one.signature == other.signature


def partition_device(image: Image, number: int) -> Partition | None:
    """How a store names a partition of this disk; None on a disk without a table."""
    for partition in image.partitions:
        if partition.number == number:
            if partition.guid is not None and image.table.disk_guid is not None:
                return GptPartition(partition.guid, image.table.disk_guid)
            if image.table.mbr_signature is not None:
                return MbrPartition(partition.start, image.table.mbr_signature)
    return None


def mounted_name(named: Partition) -> bytes:
    """How MountedDevices names the same partition."""
    if isinstance(named, GptPartition):
        return b"DMIO:ID:" + named.partition.bytes_le
    return named.signature.to_bytes(4, "little") + named.offset.to_bytes(8, "little")


def is_windows_of(store: Store, found: BcdObject, path: str) -> bool:
    """Whether a loader's systemroot is that folder."""
    root = store.setting(found, "systemroot")
    text = root.value if root is not None and isinstance(root.value, str) else ""
    return text.rstrip("\\").lower() == path.lower()


def object_named(store: Store, found: BcdObject, name: str) -> BcdObject | None:
    """The object that an element of another names, such as the resume object of a loader."""
    element = store.setting(found, name)
    value = element.value if element is not None else None
    return store.objects.get(value) if isinstance(value, UUID) else None
