"""The border between the rules of a driver's file and the one that turns a driver off.

A driver that the kernel would not take is answered by `driver_damaged`, `driver_missing` and `driver_untrusted`,
unless all of this holds; then `third_party_boot_driver` answers alone:

* it stops the boot: one that Windows starts without need not be turned off;
* it is somebody else's than Microsoft's (windows/third_party.py), and not protected (windows/protected.py);
* no sound copy of it is at hand: a file that can be put back comes first;
* where its signature leads to no trusted root, Windows' own drivers are not refused for the same reason: then it
  is the root that is to be looked at, not a driver.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

from bootmend.findings import Evidence, Skipped
from bootmend.rules._sources import find_source
from bootmend.windows.drivers import AuditedDriver, Trouble
from bootmend.windows.installation import Windows
from bootmend.windows.protected import protected_service
from bootmend.windows.third_party import third_party

TakenOver = tuple[Evidence, tuple[Skipped, ...]]
"""What shows whose the driver is, and why no copy of it was taken."""

_KNOWN: WeakKeyDictionary[Windows, dict[str, TakenOver | None]] = WeakKeyDictionary()


def taken_over(windows: Windows, driver: AuditedDriver) -> TakenOver | None:
    """Something where `third_party_boot_driver` answers for the driver; worked out once."""
    known = _KNOWN.setdefault(windows, {})
    name = driver.service.name.lower()
    if name not in known:
        known[name] = _judge(windows, driver)
    return known[name]


def _judge(windows: Windows, driver: AuditedDriver) -> TakenOver | None:
    taken_from = (Trouble.FILE_MISSING, Trouble.FILE_UNKNOWN, Trouble.UNREADABLE, Trouble.UNTRUSTED)
    folder_there = driver.trouble is Trouble.FILE_MISSING and driver.entry is not None
    if not driver.stops_the_boot or driver.trouble not in taken_from or folder_there:
        return None
    others = third_party(windows, driver)
    if others is None or protected_service(windows, driver.service.name) is not None:
        return None
    if driver.trouble is Trouble.UNTRUSTED and _windows_own_is_untrusted(windows):
        return None
    chosen, skipped = find_source(windows, driver)
    return (others, tuple(skipped)) if chosen is None else None


def _windows_own_is_untrusted(windows: Windows) -> bool:
    return any(other.trouble is Trouble.UNTRUSTED and third_party(windows, other) is None for other in windows.audited)
