"""What the signature audit of a disk says of the file that a crash dump on it blames."""

from __future__ import annotations

import ntpath

from bootmend.dumps.verdict import Verdict
from bootmend.errors import InputError, Refused
from bootmend.texts import say
from bootmend.windows.drivers import AuditedDriver, Trouble
from bootmend.windows.installation import Windows
from bootmend.windows.service import Service


def audit_sentence(windows: Windows, verdict: Verdict) -> str:
    """One sentence; empty where the dump names no driver, or tells no status that a signature could explain."""
    if not verdict.image or verdict.status is None or not verdict.image.lower().endswith(".sys"):
        return ""
    if windows.registry_fault is not None:
        return ""
    service = _loads(windows, verdict.image)
    if service is None:
        return say("crash.audit_no_service", image=verdict.image)
    try:
        driver = windows.audit(service)
    except (InputError, Refused) as reason:
        return str(reason)
    return say("crash.audited", image=driver.image, where=driver.where, said=_said(driver))


def _loads(windows: Windows, image: str) -> Service | None:
    """The service of a driver whose file has that name."""
    drivers = (one for one in windows.services.values() if one.is_driver)
    return next((one for one in drivers if ntpath.basename(windows.locate(one).path).lower() == image.lower()), None)


def _said(driver: AuditedDriver) -> str:
    if driver.trouble is None:
        return say("crash.audit_sound")
    if driver.trouble is Trouble.CATALOG_LOST and driver.lost_catalog is not None:
        return say("crash.audit_catalog_lost", catalog=driver.lost_catalog.where)
    return say(f"crash.audit_{driver.trouble.name.lower()}")
