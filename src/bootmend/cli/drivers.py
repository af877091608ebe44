"""`bootmend drivers`: every kernel driver of the machine, and whether its signature holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bootmend import __version__
from bootmend.cli.options import AsJson, Disk, JournalDir, Trusted
from bootmend.texts import say

if TYPE_CHECKING:
    from bootmend.windows.drivers import AuditedDriver

Unsigned = Annotated[bool, typer.Option("--unsigned", help="Only those whose signature does not hold.")]


def drivers(
    disk: Disk,
    unsigned: Unsigned = False,
    trust: Trusted = [],
    journal_dir: JournalDir = None,
    json: AsJson = False,
) -> None:
    """Audit the signature of every kernel driver of the Windows on DISK. Nothing is written.

    Exit code 1: at least one driver is there whose signature the kernel would refuse, or a critical
    one that is loaded at boot is not there. Driver Verifier's own choice of "unsigned drivers" is not
    published; this list is bootmend's.
    """
    from bootmend.cli.output import console, put_document
    from bootmend.cli.session import given, progress, settle
    from bootmend.disk.container import open_disk
    from bootmend.windows.discovery import find_windows
    from bootmend.windows.image import Image

    settle(disk, journal_dir)
    with open_disk(disk) as device, given(trust, []) as what:
        image = Image(device)
        windows = find_windows(image, what)[0]
        with progress() as tell:
            tell(say("cli.auditing"))
            known = {driver.service.name.lower(): driver for driver in windows.audited}
            audited = [
                known.get(service.name.lower()) or windows.audit(service)
                for service in windows.services.values()
                if service.is_driver
            ]
        image.close()
    bad = [driver for driver in audited if _unverifiable(driver)]
    shown = [driver for driver in audited if not unsigned or driver.trouble is not None]
    if json:
        document = {
            "schema": "bootmend.drivers/1",
            "bootmend": __version__,
            "drivers": [_row(driver) for driver in shown],
        }
        put_document(document)
    else:
        out = console()
        for driver in shown:
            row = _row(driver)
            signer = row["signer"] or row["catalog"] or ""
            status = row["status"] or row["problem"]
            out.print(f"{status:<17} {driver.service.start!s:<5} {driver.image:<28} {signer}", markup=False)
        out.print(say("cli.drivers_total", count=len(audited), bad=len(bad)))
        foreign = [driver.image for driver in audited if driver.verdict is not None and not driver.verdict.microsoft]
        if foreign:
            out.print(say("cli.drivers_foreign", count=len(foreign), names=", ".join(foreign)), markup=False)
    raise typer.Exit(1 if bad else 0)


def _unverifiable(driver: AuditedDriver) -> bool:
    from bootmend.windows.drivers import Trouble
    from bootmend.windows.service import ErrorControl

    if driver.trouble is Trouble.FILE_MISSING:
        # Services of removed software are common and harmless.
        return driver.service.loads_at_boot and driver.service.error_control >= ErrorControl.SEVERE
    return driver.trouble is not None


def _row(driver: AuditedDriver) -> dict[str, Any]:
    """`status` is what the signature says, and null where the file's bytes are not to be had: "problem" tells why."""
    from bootmend.windows.drivers import Trouble

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
