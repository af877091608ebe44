"""The audit of drivers as a document: schema bootmend.drivers/1. Keys are a promise: add freely, rename nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bootmend import __version__
from bootmend.windows.drivers import AuditedDriver, Trouble
from bootmend.windows.installation import Windows

SCHEMA = "bootmend.drivers/1"


def audit_all(windows: Windows) -> list[AuditedDriver]:
    """Every kernel driver that has a service, in the order of the hive."""
    known = {driver.service.name.lower(): driver for driver in windows.audited}
    return [
        known.get(service.name.lower()) or windows.audit(service)
        for service in windows.services.values()
        if service.is_driver
    ]


def document(drivers: Iterable[AuditedDriver]) -> dict[str, Any]:
    return {"schema": SCHEMA, "bootmend": __version__, "drivers": [row(driver) for driver in drivers]}


def row(driver: AuditedDriver) -> dict[str, Any]:
    """`status` is what the signature says, and null where the file's bytes are not to be had: "problem" tells why."""
    verdict = driver.verdict
    missing = driver.trouble is Trouble.FILE_MISSING
    # What cannot be looked at may well be sound; what is broken or not there will not load.
    refused = driver.trouble is not Trouble.OUT_OF_SIGHT or None
    return {
        "name": driver.service.name,
        "path": driver.location.path,
        "start": driver.service.start,
        "error_control": driver.service.error_control,
        "embedded": verdict.embedded if verdict is not None else False,
        "catalog": verdict.catalog if verdict is not None else None,
        "status": verdict.status.value if verdict is not None else "missing" if missing else None,
        "problem": driver.trouble.name.lower() if driver.trouble is not None else None,
        "error": driver.error or None,
        "ntstatus": f"0x{verdict.ntstatus:08X}" if verdict is not None and verdict.ntstatus else None,
        "signer": verdict.signer if verdict is not None else None,
        "kernel_would_refuse": verdict.kernel_would_refuse if verdict is not None else refused,
        "microsoft": verdict.microsoft if verdict is not None else False,
        "sha1": verdict.sha1 if verdict is not None else None,
        "sha256": verdict.sha256 if verdict is not None else None,
    }
