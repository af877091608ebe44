"""`bootmend drivers`: every kernel driver of the machine, and whether its signature holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

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
    from bootmend.reports import drivers as report
    from bootmend.windows.discovery import find_windows
    from bootmend.windows.image import Image

    settle(disk, journal_dir)
    with open_disk(disk) as device, given(trust, []) as what:
        image = Image(device)
        windows = find_windows(image, what)[0]
        with progress() as tell:
            tell(say("cli.auditing"))
            audited = report.audit_all(windows)
        image.close()
    bad = [driver for driver in audited if _unverifiable(driver)]
    shown = [driver for driver in audited if not unsigned or driver.trouble is not None]
    if json:
        put_document(report.document(shown))
    else:
        out = console()
        for driver in shown:
            row = report.row(driver)
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
