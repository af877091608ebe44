"""What Windows will probably do at the next boot: the first station that stops gives the prediction.

Always a prediction, never a finding. How sure it is says `confidence`: high where Microsoft documents
the stop for what was seen; medium where the status is inferred, or where something that was not
looked at (Secure Boot's state, a later station) could change it.

Sources: bug check 0x5A and NTSTATUS values in Microsoft's public documentation. A boot-start driver
is verified by the boot loader first, which may stop with its own error screen and the same status;
then the confidence is medium.
"""

from __future__ import annotations

from bootmend.findings import Confidence, Prediction
from bootmend.texts import say
from bootmend.windows.drivers import AuditedDriver, Trouble
from bootmend.windows.installation import Windows
from bootmend.windows.service import Start

CRITICAL_SERVICE_FAILED = 0x5A
OBJECT_NAME_NOT_FOUND = 0xC0000034
INVALID_IMAGE_HASH = 0xC0000428

STORE_STILL_RESOLVES = 0.9
"""At least this share of the audited drivers resolves, or the store is gone: then one lost catalog is a sure cause."""


def predict(windows: Windows) -> Prediction | None:
    """None where nothing that was looked at stops the boot."""
    for driver in windows.audited:
        if not driver.stops_the_boot:
            continue
        boot = driver.service.start == Start.BOOT
        key = "windows.predict_boot" if boot else "windows.predict_critical"
        return Prediction(
            stop=CRITICAL_SERVICE_FAILED,
            name="CRITICAL_SERVICE_FAILED",
            status=_status(driver),
            image=driver.image,
            confidence=_confidence(windows, driver),
            why=say(key, image=driver.image, service=driver.service.name),
        )
    return None


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
