"""What Windows must have loaded to reach the disk that it boots from, and how that is known.

    boot volume -> disk -> adapter -> bus -> ... -> root        by Enum (windows/devices.py)

Every such `Way` is a way that this machine went before. Which of its disks is the one that it boots from
is told by the offset of the Windows volume, where a volume of that offset is known; otherwise every disk
that was ever seen may be it. A machine that has one whole way left boots; only where all of them are
broken is a driver on them a cause. Machines whose registry names no disk (generalised images) have no
ways, and nothing is said of their adapters.

Whether a driver is read by the boot loader: Start must be 0, and from Windows 8 on no StartOverride of
the hardware that the machine was last started on may say otherwise (`HardwareConfig\\LastId` names it).
A driver with BootFlags is loaded whenever the machine boots from its kind of device (a USB disk, a VHD,
the network), whatever Start says, unless it is disabled.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from bootmend.findings import Evidence
from bootmend.formats.hive import Key
from bootmend.texts import say
from bootmend.windows.devices import ADAPTERS, DISK_DRIVE, HDC, SCSI_ADAPTER, SYSTEM_DEVICE, VOLUME, Device, Devices
from bootmend.windows.service import Service, Start

if TYPE_CHECKING:
    from bootmend.windows.installation import Windows

DISK_ENUMERATORS = ("SCSI", "IDE", "NVME", "SD", "SBP2", "USBSTOR")
"""Where disks are named."""

BUSES = {"VMBUS": "vmbus", "PCI": "pci"}
"""The driver of a bus by its enumerator, where no prefix leads to the device itself."""

EVERY_DISK = frozenset(("acpi", "disk", "partmgr", "volmgr", "mountmgr"))
"""Drivers that every way has, whatever the adapter."""

REMOVABLE = ("USB", "USBSTOR", "SD")

MOST_DISKS, LONGEST_WAY, MOST_FILTERS = 1000, 32, 200
WINDOWS_8 = 9200


@dataclass(frozen=True, slots=True)
class Way:
    """The devices from a disk up to the root, as far as they are known, and the services that drive them."""

    disk: Device
    devices: tuple[Device, ...]
    """The disk first."""
    services: tuple[str, ...]
    """In lower case, each once."""
    complete: bool
    """An adapter was found: what is known of the way says whether it is open."""
    fixed: bool
    """Not by USB, a card, the network or a VHD: what machines boot from unless they were made to do otherwise."""


@dataclass(frozen=True, slots=True)
class Loading:
    """Whether the boot loader reads a driver into memory, and what stands against it."""

    service: Service | None
    override: int | None
    """StartOverride for the hardware that was started last; None where there is none."""
    flags: int
    """BootFlags."""

    @property
    def start_right(self) -> bool:
        if self.service is None or not self.service.is_driver:
            return False
        return self.service.start == Start.BOOT or (bool(self.flags) and self.service.start != Start.DISABLED)

    @property
    def override_right(self) -> bool:
        return self.override in (None, Start.BOOT) or bool(self.flags)

    @property
    def right(self) -> bool:
        return self.start_right and self.override_right


class BootDisk:
    """What is known of this machine's boot disk; `Windows.boot_disk` keeps it."""

    def __init__(self, windows: Windows) -> None:
        self._windows = windows
        self.devices = Devices(windows.control("Enum"))
        self.ways: list[Way] = self._ways()

    def loading(self, name: str) -> Loading:
        """What the service's key says of when it is loaded."""
        service = self._windows.services.get(name.lower())
        key = self._windows.control(f"Services\\{name}")
        return Loading(service, self._override(key), _number(key, "BootFlags") or 0)

    @property
    def configuration(self) -> str:
        """The name that the hardware started last has in StartOverride keys."""
        key = self._windows.system.hive.key("HardwareConfig")
        return str(_number(key, "LastId") or 0)

    def blocked(self, judged_apart: Collection[str] = ()) -> bool:
        """There are ways to a boot disk, all of them known, and each has a driver that is not loaded.

        `judged_apart`: drivers that every way has, in lower case, which say nothing of one way or the other.
        """
        return bool(self.ways) and not any(
            not way.complete or all(self.loading(name).right for name in way.services if name not in judged_apart)
            for way in self.ways
        )

    @property
    def needed(self) -> list[str]:
        """Services on the ways, in the order from the disk up."""
        return list(dict.fromkeys(name for way in self.ways for name in way.services))

    @cached_property
    def essential(self) -> frozenset[str]:
        """Drivers without which nothing leads to the boot disk, in lower case, whatever their ErrorControl.

        Disks, their volumes and the file system of the boot volume, which the boot loader reads in whatever its
        Start is (Windows Internals, "The Windows boot loader"); and what is on every way, where all are known.
        """
        common = [set(way.services) for way in self.ways]
        known = set.intersection(*common) if common and all(way.complete for way in self.ways) else set()
        return frozenset(known | EVERY_DISK | {self.file_system})

    @property
    def file_system(self) -> str:
        """The service that reads the boot volume."""
        return self._windows.image.volume(self._windows.volume).kind

    @cached_property
    def filters(self) -> frozenset[str]:
        """Filters of the device classes that every way leads through, in lower case: no such device starts without."""
        names: set[str] = set()
        for guid in self.classes:
            key = self._windows.control(f"Control\\Class\\{guid}")
            for kind in ("UpperFilters", "LowerFilters"):
                value = key.value(kind) if key is not None else None
                names.update(name.lower() for name in (value.strings if value is not None else [])[:MOST_FILTERS])
        return frozenset(names)

    def turned_off(self, name: str) -> bool:
        """StartOverride keeps it from being loaded at boot, and no way to the boot disk asks for it."""
        loading = self.loading(name)
        off = loading.override not in (None, Start.BOOT, Start.SYSTEM) and not loading.override_right
        return off and name.lower() not in self.needed and name.lower() not in self.essential

    @property
    def classes(self) -> frozenset[str]:
        """Device classes on the ways, and those that every boot needs."""
        seen = {device.class_guid for way in self.ways for device in way.devices}
        return frozenset(seen | {DISK_DRIVE, VOLUME, SYSTEM_DEVICE})

    def evidence(self, service: str) -> list[Evidence]:
        """The device that this service drives on the way to a boot disk, and the disk."""
        for way in self.ways:
            if service.lower() in way.services:
                driven = [one for one in way.devices if one.service.lower() == service.lower()] or [way.devices[-1]]
                return [Evidence(self.address(driven[0]), say("rules_storage.on_the_way", disk=way.disk.path))]
        return []

    @cached_property
    def hyper_v(self) -> Evidence | None:
        """What shows that this Windows runs in Hyper-V (Azure is one); None where nothing does.

        That it knows the bus is not enough: every Windows carries the drivers, and a physical machine may have
        seen a virtual disk. An adapter was on the bus, or the firmware called itself Microsoft's virtual machine.
        """
        for device in self.devices.under("VMBUS"):
            if device.service.lower() == "storvsc":
                return Evidence(self.address(device), "storvsc")
        key = self._windows.control("Control\\SystemInformation")
        maker, product = (_text(key, name) for name in ("SystemManufacturer", "SystemProductName"))
        if (maker.lower(), product.lower()) == ("microsoft corporation", "virtual machine"):
            where = f"SYSTEM\\{self._windows.control_set}\\Control\\SystemInformation"
            return Evidence(where, f"{maker}, {product}")
        return None

    def address(self, device: Device) -> str:
        return f"SYSTEM\\{self._windows.control_set}\\Enum\\{device.path}"

    def _override(self, service: Key | None) -> int | None:
        build = self._windows.version.build
        if service is None or 0 < build < WINDOWS_8:
            return None
        return _number(service.key("StartOverride"), self.configuration)

    def _ways(self) -> list[Way]:
        disks = [
            device
            for enumerator in DISK_ENUMERATORS
            for device in self.devices.under(enumerator)[:MOST_DISKS]
            if device.class_guid == DISK_DRIVE
        ]
        ways = [self._way(disk) for disk in self._of_this_volume(disks)]
        return [way for way in ways if way.fixed] or ways

    def _of_this_volume(self, disks: list[Device]) -> list[Device]:
        """The disks that hold a volume where the Windows volume begins; all of them where none is known to."""
        starts = [p.start for p in self._windows.image.partitions if p.number == self._windows.volume]
        at_home = {disk for disk, offset in self.devices.volumes() if offset in starts}
        return [disk for disk in disks if self.devices.disk_id(disk) in at_home] or disks

    def _way(self, disk: Device) -> Way:
        devices = [disk]
        while len(devices) < LONGEST_WAY:
            parent = self.devices.parent(devices[-1])
            if parent is None or parent in devices:
                break
            devices.append(parent)
        if len(devices) == 1 and "&" not in disk.instance:
            # Hyper-V's first generation boots from IDE only, the second has none.
            likely = HDC if self._windows.chain.firmware == "bios" else SCSI_ADAPTER
            adapters = [one for one in self.devices.under("VMBUS") if one.class_guid in ADAPTERS]
            devices += sorted(adapters, key=lambda one: one.class_guid != likely)[:1]
        names = [device.service.lower() for device in devices if device.service]
        names += [BUSES[device.enumerator] for device in devices if device.enumerator in BUSES]
        found = any(device.class_guid in ADAPTERS and device.service for device in devices)
        # The root's own services (HTREE, \\Driver\\...) are no drivers that are loaded.
        known = tuple(dict.fromkeys(name for name in names if "\\" not in name))
        fixed = not any(device.enumerator in REMOVABLE for device in devices)
        fixed = fixed and not any(_number(self._windows.control(f"Services\\{name}"), "BootFlags") for name in known)
        return Way(disk, tuple(devices), known, found, fixed)


def _number(key: Key | None, name: str) -> int | None:
    value = key.value(name) if key is not None else None
    return value.number if value is not None and len(value.data) == 4 else None


def _text(key: Key | None, name: str) -> str:
    value = key.value(name) if key is not None else None
    return value.text if value is not None else ""
