"""A filter of all disks, adapters, volumes or system devices cannot be loaded.

Symptom:  stop 0x7B INACCESSIBLE_BOOT_DEVICE right after the logo, often after a backup, encryption or antivirus
          product was removed by hand, or its service disabled.
Cause:    Control\\Class\\{GUID} names filters (UpperFilters, LowerFilters) that Windows loads over or under every
          device of the class. One of them has no service, a disabled one, or a file that is missing, empty or no
          driver; then no device of the class starts, the boot disk among them.
Evidence: the list, the filter's service and file. Looked at: the classes DiskDrive, HDC, SCSIAdapter, System and
          Volume. One that the boot disk does not hang on (HDC or SCSIAdapter) is a risk only.
Repair:   a disabled filter of Windows' own is set to Start 0; a file of which a sound copy is at hand is put back;
          otherwise the name is taken out of the list, and the order of the others stays. A list that would be empty
          is deleted.
Not done: a filter that did not come with Windows but loads is noted, with the way to take it out by hand. Filters
          that load on demand are not judged by their Start. Whether a sound file's signature is accepted is told by
          the rules of drivers. Windows' own filters are never taken out.
By hand:  `reg load HKLM\\BROKEN D:\\Windows\\System32\\config\\SYSTEM`, then
          `reg query HKLM\\BROKEN\\ControlSet001\\Control\\Class\\{GUID} /v UpperFilters`, and write the others back:
          `reg add HKLM\\BROKEN\\ControlSet001\\Control\\Class\\{GUID} /v UpperFilters /t REG_MULTI_SZ /d partmgr /f`
          (several names are parted by \\0), or `reg delete` the value where nothing is left;
          `reg unload HKLM\\BROKEN`. The set is the one that Select\\Default names.
"""

from __future__ import annotations

from collections.abc import Iterator

from bootmend.findings import Finding, Station
from bootmend.rules._filters import FilterList, filter_finding, judge_filter
from bootmend.windows.devices import DISK_DRIVE, HDC, SCSI_ADAPTER, SYSTEM_DEVICE, VOLUME
from bootmend.windows.installation import Windows

STATION = Station.BOOT_DEVICE

CLASSES = (DISK_DRIVE, HDC, SCSI_ADAPTER, SYSTEM_DEVICE, VOLUME)
MOST_FILTERS = 200
"""Names in all lists together that are looked at; a machine has five to ten."""


def check(windows: Windows) -> Iterator[Finding]:
    lists = list(_lists(windows))
    names = list(dict.fromkeys(name.lower() for _, one in lists for name in one.filters))[:MOST_FILTERS]
    spelled = {name.lower(): name for _, one in lists for name in one.filters}
    bad = {name: found for name in names if (found := judge_filter(windows, spelled[name])) is not None}
    broken = [name for name, found in bad.items() if found.broken]
    for name, found in bad.items():
        named = [(guid, one) for guid, one in lists if name in map(str.lower, one.filters)]
        needed = any(guid in windows.boot_disk.classes for guid, _ in named)
        yield filter_finding(windows, "class_filters", found, [one for _, one in named], needed, broken)


def _lists(windows: Windows) -> Iterator[tuple[str, FilterList]]:
    for guid in CLASSES:
        key = windows.control(f"Control\\Class\\{guid}")
        for name in ("UpperFilters", "LowerFilters"):
            value = key.value(name) if key is not None else None
            if value is not None and value.strings:
                path = f"{windows.control_set}\\Control\\Class\\{guid}"
                yield guid, FilterList(path, name, tuple(value.strings))
