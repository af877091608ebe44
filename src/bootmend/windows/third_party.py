"""Whether a driver is somebody else's than Microsoft's, and what shows it.

A driver of Windows has a component: its file stands in WinSxS under its own name, or a differential of it
does. For any other, one of these shows whose it is; where nothing does, it counts as Windows' own:

* it stands outside the Windows folder;
* its service belongs to a package that was added later (`Owners` names an oemN.inf);
* its signature names another signer than Microsoft (the one for tested hardware signs others' drivers);
* a driver package holds it, and no component does;
* no component has a file of its name, while components have those of nearly all other drivers.

The version resource is never asked: anyone can write "Microsoft" there.
"""

from __future__ import annotations

import ntpath
import re

from bootmend.findings import Evidence
from bootmend.texts import say
from bootmend.windows.drivers import AuditedDriver
from bootmend.windows.image import address
from bootmend.windows.installation import Windows

HARDWARE_PUBLISHER = "hardware compatibility publisher"
"""What Microsoft signs other vendors' tested drivers with."""
_ADDED_LATER = re.compile(r"oem\d+\.inf", re.IGNORECASE)
_MOST = 0.9
"""Share of the sound drivers in System32\\drivers with a component, from which on one without it tells something."""


def third_party(windows: Windows, driver: AuditedDriver) -> Evidence | None:
    """What shows that the driver is not Microsoft's; None where it is, or may be."""
    components = windows.components
    if components.has_component(driver.image) or components.differentials(driver.image):
        return None
    if any(copy.kind == "backup" for copy in components.copies(driver.image)):
        return None
    if driver.location.volume != windows.volume or not _below(driver.location.path, windows.path):
        return Evidence(driver.where, say("rules_storage.outside_windows"))
    key = windows.control(f"Services\\{driver.service.name}")
    owners = key.value("Owners") if key is not None else None
    added = [name for name in (owners.strings if owners is not None else []) if _ADDED_LATER.fullmatch(name)]
    if added:
        return Evidence(f"SYSTEM\\{driver.service.key}", f"Owners={added[0]}")
    signer = driver.verdict.signer if driver.verdict is not None else None
    if signer and ("microsoft" not in signer.lower() or HARDWARE_PUBLISHER in signer.lower()):
        return Evidence(driver.where, say("rules_storage.signed_by", signer=signer))
    for copy in components.copies(driver.image):
        return Evidence(copy.where, say("rules_storage.in_a_package"))
    return _unknown_to_windows(windows, driver)


def _unknown_to_windows(windows: Windows, driver: AuditedDriver) -> Evidence | None:
    folder = f"{windows.path}\\System32\\drivers".lower()
    sound = {
        other.image
        for other in windows.audited
        if other.trouble is None and ntpath.dirname(other.location.path).lower() == folder
    }
    known = [name for name in sound if windows.components.has_component(name)]
    if windows.components.problems or not known or len(known) < _MOST * len(sound):
        return None
    where = address(windows.volume, f"{windows.path}\\WinSxS")
    return Evidence(where, say("rules_storage.no_component", image=driver.image, count=len(known)))


def _below(path: str, folder: str) -> bool:
    return path.lower().startswith(f"{folder.lower()}\\")
