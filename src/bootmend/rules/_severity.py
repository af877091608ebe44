"""How much a driver that the kernel would not take matters, by Microsoft's meaning of ErrorControl."""

from __future__ import annotations

from bootmend.findings import Severity
from bootmend.windows.drivers import AuditedDriver
from bootmend.windows.service import ErrorControl


def driver_severity(driver: AuditedDriver) -> Severity:
    """CAUSE where the machine stops (ErrorControl 3); RISK where it starts without the driver.

    2 makes Windows try Last Known Good and go on if that is what runs already; 0 and 1 go on.
    """
    return Severity.CAUSE if driver.service.error_control >= ErrorControl.CRITICAL else Severity.RISK
