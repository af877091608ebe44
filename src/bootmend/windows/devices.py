"""The devices that Windows has seen, by its Enum key: what drives each, what filters it, what it hangs on.

    Enum\\<enumerator>\\<device>\\<instance>     Service, ClassGUID, UpperFilters, LowerFilters, ParentIdPrefix

A bus names its children after itself: an instance begins with the `ParentIdPrefix` of the device it hangs
on, then an ampersand. So the way from a disk up to the bus at the root can be followed on the disk alone.
Hyper-V's storage driver names some disks by a bare number (000000); those hang on a device of VMBUS.

Source: Microsoft's documentation of device instance IDs and of the registry's Enum tree. `DiskId` below a
disk's `Device Parameters\\Partmgr` is the GUID by which `STORAGE\\Volume\\{DiskId}#<offset>` names the
volumes on it (seen on every real hive from Windows 7 on).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from bootmend.formats.hive import Key

MOST_DEVICES = 100_000
"""Instances that are looked at; a machine of many years has a few thousand. It bounds time on a hostile hive."""

DISK_DRIVE = "{4d36e967-e325-11ce-bfc1-08002be10318}"
HDC = "{4d36e96a-e325-11ce-bfc1-08002be10318}"
SCSI_ADAPTER = "{4d36e97b-e325-11ce-bfc1-08002be10318}"
SYSTEM_DEVICE = "{4d36e97d-e325-11ce-bfc1-08002be10318}"
VOLUME = "{71a27cdd-812a-11d0-bec7-08002be2092f}"

BUSES = ("ACPI_HAL", "ACPI", "PCI", "PCIIDE", "IDE", "VMBUS", "ROOT", "USB", "SD")
"""Enumerators of what disks and their adapters may hang on; the others name what no disk hangs on."""

ADAPTERS = (HDC, SCSI_ADAPTER)
"""Classes of what a disk is attached to."""


@dataclass(frozen=True, slots=True)
class Device:
    """One instance of a device; names are as they are written, identifiers in lower case."""

    path: str
    """Below Enum: enumerator, device, instance."""
    service: str
    class_guid: str
    upper_filters: tuple[str, ...]
    lower_filters: tuple[str, ...]
    prefix: str
    """What the instances of its children begin with; empty where it says nothing."""
    maker: str

    @property
    def enumerator(self) -> str:
        return self.path.split("\\", 1)[0].upper()

    @property
    def instance(self) -> str:
        return self.path.rsplit("\\", 1)[-1].lower()


class Devices:
    """The Enum key of a control set, an enumerator at a time."""

    def __init__(self, enum: Key | None) -> None:
        self._enum = enum
        self._read: dict[str, list[Device]] = {}

    def under(self, enumerator: str) -> list[Device]:
        """Every instance of that enumerator (PCI, SCSI, VMBUS, ...), in the order of the hive."""
        name = enumerator.upper()
        if name not in self._read:
            key = self._enum.key(enumerator) if self._enum is not None else None
            self._read[name] = list(islice(_devices(key), MOST_DEVICES)) if key is not None else []
        return self._read[name]

    @cached_property
    def every(self) -> list[Device]:
        """All of them; asked for only where a repair depends on it."""
        found: list[Device] = []
        for key in self._enum.subkeys() if self._enum is not None else []:
            found += self.under(key.name)
        return found

    def parent(self, child: Device) -> Device | None:
        """The device that the child hangs on; None where the registry does not tell."""
        prefixes = self._prefixes
        found = child.instance.rfind("&")
        while found > 0:
            parent = prefixes.get(child.instance[:found])
            if parent is not None and parent.path != child.path:
                return parent
            found = child.instance.rfind("&", 0, found)
        return None

    @cached_property
    def _prefixes(self) -> dict[str, Device]:
        return {device.prefix: device for bus in BUSES for device in self.under(bus) if device.prefix}

    def disk_id(self, disk: Device) -> str:
        """The GUID that volumes name this disk by; empty where there is none."""
        key = self._enum.key(f"{disk.path}\\Device Parameters\\Partmgr") if self._enum is not None else None
        value = key.value("DiskId") if key is not None else None
        return value.text.lower() if value is not None else ""

    def volumes(self) -> Iterator[tuple[str, int]]:
        """(disk's GUID, offset of the volume in bytes) of every volume that the partition manager has named."""
        for device in self.under("STORAGE"):
            disk, mark, offset = device.instance.partition("#")
            if device.path.upper().startswith("STORAGE\\VOLUME\\") and mark and len(offset) == 16:
                try:
                    yield disk, int(offset, 16)
                except ValueError:
                    continue


def _devices(enumerator: Key) -> Iterator[Device]:
    for device in enumerator.subkeys():
        for instance in device.subkeys():
            yield _device(instance, f"{enumerator.name}\\{device.name}\\{instance.name}")


def _device(key: Key, path: str) -> Device:
    def text(name: str) -> str:
        value = key.value(name)
        return value.text if value is not None else ""

    def names(name: str) -> tuple[str, ...]:
        value = key.value(name)
        return tuple(value.strings) if value is not None else ()

    return Device(
        path=path,
        service=text("Service"),
        class_guid=text("ClassGUID").lower(),
        upper_filters=names("UpperFilters"),
        lower_filters=names("LowerFilters"),
        prefix=text("ParentIdPrefix").lower(),
        maker=text("Mfg"),
    )
