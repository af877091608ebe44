"""How much a driver that the kernel would not take matters, by Microsoft's meaning of ErrorControl."""

from __future__ import annotations

from bootmend.findings import Severity
from bootmend.windows.drivers import AuditedDriver
from bootmend.windows.service import ErrorControl, Start


def driver_severity(driver: AuditedDriver) -> Severity:
    """CAUSE where the machine stops; RISK where it starts without the driver.

    ErrorControl 3 stops the machine. 2 makes Windows try Last Known Good and go on if that is
    what runs already; 0 and 1 go on. winload does not start a machine with a boot-start driver
    whose signature it cannot verify; a boot-start driver whose file is missing counts by its
    ErrorControl.
    """
    service = driver.service
    if service.error_control >= ErrorControl.CRITICAL:
        return Severity.CAUSE
    if service.start == Start.BOOT and driver.verdict is not None:
        return Severity.CAUSE
    return Severity.RISK
