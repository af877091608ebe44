"""Which drivers are never disabled, whoever made them: those that a boot, a disk or a device may hang on."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bootmend.texts import say
from bootmend.windows.devices import DISK_DRIVE, HDC, MOST_DEVICES, SCSI_ADAPTER, SYSTEM_DEVICE, VOLUME
from bootmend.windows.installation import Windows

BOOT_CRITICAL = frozenset(
    (
        "acpi",
        "acpiex",
        "pci",
        "vmbus",
        "storvsc",
        "disk",
        "volmgr",
        "volmgrx",
        "mountmgr",
        "vdrvroot",
        "volsnap",
        "volume",
        "partmgr",
        "storport",
        "intelide",
        "pciide",
        "atapi",
        "storahci",
        "msahci",
        "stornvme",
        "spaceport",
        "fvevol",
        "ehstorclass",
        "iorate",
        "rdyboost",
        "storflt",
        "fltmgr",
        "ntfs",
        "refs",
        "ndis",
        "tcpip",
        "ksecdd",
        "cng",
        "clfs",
        "wdf01000",
        "msrpc",
        "netbt",
        "afd",
    )
)

CLASSES = {
    DISK_DRIVE: "DiskDrive",
    HDC: "HDC",
    SCSI_ADAPTER: "SCSIAdapter",
    SYSTEM_DEVICE: "System",
    VOLUME: "Volume",
    "{533c5b84-ec70-11d2-9505-00c04f79deaf}": "VolumeSnapshot",
    "{4d36e972-e325-11ce-bfc1-08002be10318}": "Net",
    "{4d36e968-e325-11ce-bfc1-08002be10318}": "Display",
}

GROUPS = frozenset(
    ("boot bus extender", "system bus extender", "filter", "ndis", "fsfilter encryption", "fsfilter bottom")
)

VENDORS = re.compile(r"\b(mellanox|nvidia|amd|advanced micro devices|intel)\b", re.IGNORECASE)
"""Makers of what a virtual machine is given through: network and graphics adapters, processors."""

_VENDOR_FILES = re.compile(
    r"^(mlx\d|mlnx|ibbus|winmad|winverbs|nvlddmkm|nvhda|nvgrid|amdkmdag|amdgpu|iastor|iavf|i40ea)", re.IGNORECASE
)


def protected_service(windows: Windows, name: str) -> str | None:
    """Why the driver of that name must not be disabled; None where nothing stands against it."""
    lowered = name.lower()
    service = windows.services.get(lowered)
    if lowered in BOOT_CRITICAL or lowered in windows.boot_disk.needed:
        return say("rules_storage.protected_critical", service=name)
    if len(windows.boot_disk.devices.every) >= MOST_DEVICES:
        return say("rules_storage.protected_unknown")
    for device in windows.boot_disk.devices.every:
        if device.service.lower() == lowered and device.class_guid in CLASSES:
            return say("rules_storage.protected_device", device=device.path, kind=CLASSES[device.class_guid])
    group = service.group if service is not None else ""
    if group.lower() in GROUPS or group.lower().startswith("scsi "):
        return say("rules_storage.protected_group", group=group)
    for where, names in _filters(windows):
        if lowered in (one.lower() for one in names):
            return say("rules_storage.protected_filter", where=where)
    for where, critical in _critical_devices(windows):
        if critical.lower() == lowered:
            return say("rules_storage.protected_database", where=where)
    if _of_a_vendor(windows, name):
        return say("rules_storage.protected_vendor")
    return None


def _filters(windows: Windows) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every filter of a class or of a single device, with its address."""
    classes = windows.control("Control\\Class")
    for key in classes.subkeys() if classes is not None else []:
        for kind in ("UpperFilters", "LowerFilters"):
            value = key.value(kind)
            if value is not None:
                yield f"Control\\Class\\{key.name}", tuple(value.strings)
    for device in windows.boot_disk.devices.every:
        yield f"Enum\\{device.path}", (*device.upper_filters, *device.lower_filters)


def _critical_devices(windows: Windows) -> Iterator[tuple[str, str]]:
    database = windows.control("Control\\CriticalDeviceDatabase")
    for key in database.subkeys() if database is not None else []:
        value = key.value("Service")
        if value is not None:
            yield f"Control\\CriticalDeviceDatabase\\{key.name}", value.text


def _of_a_vendor(windows: Windows, name: str) -> bool:
    """By its file's name, what its service calls itself, or who made the device that it drives."""
    key = windows.control(f"Services\\{name}")
    words = [value.text for value in map(key.value, ("DisplayName", "Description")) if value] if key is not None else []
    makers = [one.maker for one in windows.boot_disk.devices.every if one.service.lower() == name.lower()]
    service = windows.services.get(name.lower())
    file = service.image_path.rsplit("\\", 1)[-1] if service is not None and service.image_path else name
    return any(VENDORS.search(word) for word in (*words, *makers)) or _VENDOR_FILES.match(file) is not None
