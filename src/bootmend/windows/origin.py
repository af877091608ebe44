"""Whether the partition that starts a Windows was on the same disk as its folder, by the machine's own word.

At each boot Windows notes two ARC paths in its SYSTEM hive, `multi(0)disk(0)rdisk(N)partition(P)`:
Control\\FirmwareBootDevice, where the firmware found the boot manager, and Control\\SystemBootDevice, where
the Windows folder stands ("ARC path", Microsoft's documentation of Boot.ini). The same N in both: one disk.
"""

from __future__ import annotations

import ntpath
import re
from contextlib import suppress

from bootmend.errors import InputError
from bootmend.findings import Evidence
from bootmend.formats.hive import Value
from bootmend.texts import say
from bootmend.windows.image import address
from bootmend.windows.installation import Windows

_ARC = re.compile(r"multi\((\d+)\)disk\((\d+)\)rdisk\((\d+)\)partition\((\d+)\)", re.IGNORECASE)
_LONGEST = 260


def starts_from_own_disk(windows: Windows) -> tuple[bool | None, Evidence]:
    """True, False, or None where the hive does not say; and what was seen there."""
    if windows.registry_fault is not None:
        return None, Evidence(windows.where("System32\\config\\SYSTEM"), say("rules_boot.origin_unread"))
    control = windows.control("Control")
    firmware, system = (
        _arc(control.value(name) if control is not None else None)
        for name in ("FirmwareBootDevice", "SystemBootDevice")
    )
    where = f"SYSTEM\\{windows.control_set}\\Control"
    if firmware is None or system is None:
        return None, Evidence(where, say("rules_boot.origin_unsaid"))
    what = f"FirmwareBootDevice={firmware[0]} SystemBootDevice={system[0]}"
    return firmware[0][: firmware.end(3)] == system[0][: system.end(3)], Evidence(where, what)


def _arc(value: Value | None) -> re.Match[str] | None:
    return _ARC.match(value.text[:_LONGEST]) if value is not None else None


def belongs_here(windows: Windows) -> tuple[bool, Evidence]:
    """Whether this machine's boot files are to stand on this very disk, and what says so.

    On the start partition some of Windows' own boot files are left; or this Windows was started from its own disk.
    """
    start = windows.chain.start
    if start.volume is not None:
        files = windows.image.volume(start.volume)
        for path in (start.manager_path, ntpath.dirname(start.store_path)):
            with suppress(InputError):
                if files.exists(path):
                    return True, Evidence(address(start.volume, path), say("rules_boot.boot_files_left"))
    own, seen = starts_from_own_disk(windows)
    return own is True, seen
