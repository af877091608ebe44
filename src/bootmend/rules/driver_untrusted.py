"""A driver's signature fits its file, but does not lead to a root that the kernel trusts.

Symptom:  stop 0x5A CRITICAL_SERVICE_FAILED with status 0xC0000428 (revoked: 0xC0000603, expired:
          0xC0000605).
Cause:    the driver, or the catalog that vouches for it, was signed with a certificate that leads to
          no root Microsoft's kernel accepts, or whose certificate is expired or revoked.
Evidence: the signer, and where its chain ends.
Repair:   none that is safe: the file is what its signer made. Put back the driver that belongs here,
          or name the root with --trust if this machine is known to trust it (a test machine).
Not done: nothing is trusted because of something on the disk. A driver of another maker, where Windows' own are
          trusted, is told by third_party_boot_driver.
"""

from __future__ import annotations

from collections.abc import Iterator

from bootmend.findings import Evidence, Finding, Skipped, Station
from bootmend.rules._severity import at_its_place, driver_severity
from bootmend.rules._third_party import taken_over
from bootmend.rules.catalog_missing import worst
from bootmend.texts import say
from bootmend.windows.drivers import AuditedDriver, Trouble
from bootmend.windows.installation import Windows

STATION = Station.SYSTEM_DRIVERS


def check(windows: Windows) -> Iterator[Finding]:
    """One finding a signer, however many drivers it signed."""
    signers: dict[tuple[str, str], list[AuditedDriver]] = {}
    for driver in windows.audited:
        untrusted = driver.trouble is Trouble.UNTRUSTED and taken_over(windows, driver) is None
        if untrusted and driver.verdict is not None:
            signers.setdefault((driver.verdict.signer or "?", driver.verdict.status.value), []).append(driver)
    for (signer, status), drivers in signers.items():
        first = worst(drivers)
        finding = Finding(
            rule="driver_untrusted",
            severity=driver_severity(first),
            subject=first.image,
            title=say("rules.driver_untrusted_title", count=len(drivers), signer=signer, status=status),
            why=say("rules.driver_untrusted_why", signer=signer),
            evidence=(
                *first.evidence(),
                Evidence(signer, say("rules.signed_by_it", images=", ".join(driver.image for driver in drivers))),
            ),
            skipped=(Skipped(say("rules.trust_root"), say("rules.trust_root_reason")),),
        )
        yield at_its_place(windows, first, finding)
