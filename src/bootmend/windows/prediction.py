"""What Windows will probably do because of one thing that is wrong with its disk.

Always a prediction, never a finding. How sure it is says `confidence`: high where Microsoft documents
the stop for what was seen; medium where the status is inferred, or where something that was not
looked at (Secure Boot's state, a later station) could change it; low where the machine may well start.

Sources: bug check codes and NTSTATUS values in Microsoft's public documentation. A boot-start driver
is verified by the boot loader first, which may stop with its own error screen and the same status;
then the confidence is medium.
"""

from __future__ import annotations

from bootmend.findings import Confidence, Prediction, Screen, Station
from bootmend.texts import say
from bootmend.windows.drivers import AuditedDriver, Trouble
from bootmend.windows.installation import Windows
from bootmend.windows.service import Start

BUG_CHECKS = {
    0x50: "PAGE_FAULT_IN_NONPAGED_AREA",
    0x5A: "CRITICAL_SERVICE_FAILED",
    0x67: "CONFIG_INITIALIZATION_FAILED",
    0x6B: "PROCESS1_INITIALIZATION_FAILED",
    0x74: "BAD_SYSTEM_CONFIG_INFO",
    0x7B: "INACCESSIBLE_BOOT_DEVICE",
    0xC4: "DRIVER_VERIFIER_DETECTED_VIOLATION",
    0xEF: "CRITICAL_PROCESS_DIED",
    0xC000021A: "WINLOGON_FATAL_ERROR",
    0xC0000218: "STATUS_CANNOT_LOAD_REGISTRY_FILE",
}
"""Names of the stops that a rule predicts, by Microsoft's bug check code reference."""

NO_SUCH_FILE = 0xC000000F
OBJECT_NAME_NOT_FOUND = 0xC0000034
INVALID_IMAGE_HASH = 0xC0000428

STORE_STILL_RESOLVES = 0.9
"""At least this share of the audited drivers resolves, or the store is gone: then one lost catalog is a sure cause."""


def predict_stop(
    code: int, why: str, confidence: Confidence, *, status: int | None = None, image: str | None = None
) -> Prediction:
    """The kernel's blue screen with that code; `why` is a sentence for a person."""
    return Prediction(code, BUG_CHECKS[code], status, image, confidence, why)


def predict_screen(
    screen: Screen,
    words: str,
    why: str,
    confidence: Confidence,
    *,
    status: int | None = None,
    image: str | None = None,
) -> Prediction:
    """The boot ends before there is a kernel that could stop: `words` are what the screen says."""
    return Prediction(None, words, status, image, confidence, why, screen)


def predict_driver(windows: Windows, driver: AuditedDriver) -> Prediction | None:
    """What comes of a driver that the kernel would not take; None where Windows starts without it."""
    if not driver.stops_the_boot:
        return None
    if driver.essential and not driver.service.critical:
        return _without_the_disk(windows, driver)
    boot = driver.service.start == Start.BOOT
    key = "windows.predict_boot" if boot else "windows.predict_critical"
    why = say(key, image=driver.image, service=driver.service.name)
    return predict_stop(0x5A, why, _confidence(windows, driver), status=_status(driver), image=driver.image)


def _without_the_disk(windows: Windows, driver: AuditedDriver) -> Prediction:
    """Its own ErrorControl lets the boot go on, which then finds no disk, or nothing to read it with."""
    if driver.service.name.lower() == windows.boot_disk.file_system:
        why = say("windows.predict_file_system", image=driver.image)
        missing = driver.trouble is Trouble.FILE_MISSING
        words = say("rules_kernel.words_missing" if missing else "rules_kernel.words_unverified")
        status = NO_SUCH_FILE if missing else _status(driver)
        image = driver.location.path
        return predict_screen(Screen.BOOT_MANAGER, words, why, Confidence.MEDIUM, status=status, image=image)
    on_the_way = driver.service.name.lower() in windows.boot_disk.essential
    key = "windows.predict_no_disk" if on_the_way else "windows.predict_no_filter"
    why = say(key, image=driver.image, service=driver.service.name)
    return predict_stop(0x7B, why, Confidence.MEDIUM, image=driver.image)


def driver_station(driver: AuditedDriver) -> Station:
    return Station.BOOT_DRIVERS if driver.early else Station.SYSTEM_DRIVERS


def _status(driver: AuditedDriver) -> int:
    if driver.trouble is Trouble.FILE_MISSING:
        return OBJECT_NAME_NOT_FOUND
    if driver.verdict is not None and driver.verdict.ntstatus:
        return driver.verdict.ntstatus
    return INVALID_IMAGE_HASH


def _confidence(windows: Windows, driver: AuditedDriver) -> Confidence:
    if driver.service.start == Start.BOOT:
        return Confidence.MEDIUM
    if driver.trouble is Trouble.FILE_UNKNOWN:
        return Confidence.HIGH
    if driver.trouble is Trouble.CATALOG_LOST:
        checked = [other for other in windows.audited if other.verdict is not None]
        sound = [other for other in checked if other.trouble is None]
        gone = not windows.signatures.active.paths
        return Confidence.HIGH if gone or len(sound) >= STORE_STILL_RESOLVES * len(checked) else Confidence.MEDIUM
    return Confidence.MEDIUM
