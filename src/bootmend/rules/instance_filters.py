"""A filter of a single device on the way to the boot disk cannot be loaded.

Symptom:  stop 0x7B INACCESSIBLE_BOOT_DEVICE right after the logo, often after a hardware tool or a driver of
          another virtual machine was removed.
Cause:    a device below Enum names filters of its own (UpperFilters, LowerFilters). One of them has no service, a
          disabled one, or a file that is missing, empty or no driver; then that device does not start, nor anything
          that hangs on it.
Evidence: the device, its list, the filter's service and file. Looked at: the devices that lead from the boot disk up
          to the bus at the root, and those below Enum\\ACPI that pci or vmbus drives.
Repair:   as for filters of a class: Windows' own is set to Start 0, a file of which a sound copy is at hand is put
          back, otherwise the name is taken out of the list. A list that would be empty is deleted.
Not done: devices that the boot does not need are not looked at. A filter that did not come with Windows but loads is
          noted, with the way to take it out by hand. Where a machine knows several boot disks, a broken filter of a
          device that only some of them hang on is a risk.
By hand:  `reg load HKLM\\BROKEN D:\\Windows\\System32\\config\\SYSTEM`, then
          `reg query HKLM\\BROKEN\\ControlSet001\\Enum\\<device> /v UpperFilters`, and write the others back:
          `reg add HKLM\\BROKEN\\ControlSet001\\Enum\\<device> /v UpperFilters /t REG_MULTI_SZ /d <name> /f`, or
          `reg delete` the value where nothing is left;
          `reg unload HKLM\\BROKEN`. The set is the one that Select\\Default names.
"""

from __future__ import annotations

from collections.abc import Iterator

from bootmend.findings import Finding, Station
from bootmend.rules._filters import FilterList, filter_finding, judge_filter
from bootmend.windows.devices import Device
from bootmend.windows.installation import Windows

STATION = Station.BOOT_DEVICE

MOST_DEVICES = 200
"""Devices that are looked at; a way has five to ten."""


def check(windows: Windows) -> Iterator[Finding]:
    boot_disk = windows.boot_disk
    on_a_way = {device.path: device for way in boot_disk.ways for device in way.devices}
    buses = [one for one in boot_disk.devices.under("ACPI") if one.service.lower() in ("pci", "vmbus")]
    devices = list({**on_a_way, **{one.path: one for one in buses}}.values())[:MOST_DEVICES]
    lists = [(device, one) for device in devices for one in _lists(windows, device)]
    spelled = {name.lower(): name for _, one in lists for name in one.filters}
    bad = {name: found for name in spelled if (found := judge_filter(windows, spelled[name])) is not None}
    broken = [name for name, found in bad.items() if found.broken]
    for name, found in bad.items():
        named = [(device, one) for device, one in lists if name in map(str.lower, one.filters)]
        needed = _needed(windows, [device for device, _ in named], buses)
        yield filter_finding(windows, "instance_filters", found, [one for _, one in named], needed, broken)


def _needed(windows: Windows, named: list[Device], buses: list[Device]) -> bool:
    """Every way to a boot disk leads over one of those devices, or over a bus all of whose devices are among them."""
    ways = windows.boot_disk.ways
    closed = {
        driver
        for driver in ("pci", "vmbus")
        if (alike := [one for one in buses if one.service.lower() == driver]) and all(one in named for one in alike)
    }
    return bool(ways) and all(
        not closed.isdisjoint(way.services) or any(device in named for device in way.devices) for way in ways
    )


def _lists(windows: Windows, device: Device) -> Iterator[FilterList]:
    path = f"{windows.control_set}\\Enum\\{device.path}"
    for name, filters in (("UpperFilters", device.upper_filters), ("LowerFilters", device.lower_filters)):
        if filters:
            yield FilterList(path, name, filters)
