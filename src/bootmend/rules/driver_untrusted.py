"""A driver's signature fits its file, but does not lead to a root that the kernel trusts.

Symptom:  stop 0x5A CRITICAL_SERVICE_FAILED with status 0xC0000428 (revoked: 0xC0000603, expired:
          0xC0000605).
Cause:    the driver, or the catalog that vouches for it, was signed with a certificate that leads to
          no root Microsoft's kernel accepts, or whose certificate is expired or revoked.
Evidence: the signer, and where its chain ends.
Repair:   where the machine stops for it and the disk or a donor has a copy that this machine's catalogs or its own
          trusted signature vouch for: that copy, from the same sources and by the same proof as for a damaged driver.
          One of another version only with --accept other-version.
Not done: a driver that Windows starts without, or that a boot option lets pass (a test machine), stays: it is what
          its signer made. Nothing is trusted because of something on the disk: name the root with --trust if this
          machine is known to trust it. A driver of another maker of which no sound copy is at hand, where Windows'
          own are trusted, is told by third_party_boot_driver.
By hand:  `sfc /scannow /offbootdir=D:\\ /offwindir=D:\\Windows`, or copy the driver that belongs here from WinSxS to
          System32\\drivers; for a driver of another maker take its update from the maker.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bootmend.actions.replace_file import ReplaceFile
from bootmend.findings import Action, Evidence, Finding, Safety, Skipped, Station
from bootmend.rules._severity import at_its_place, driver_severity, one_a_file
from bootmend.rules._sources import Chosen, find_source
from bootmend.rules._third_party import taken_over
from bootmend.rules.catalog_missing import put_catalog, worst
from bootmend.rules.driver_damaged import OTHER_VERSION
from bootmend.texts import say
from bootmend.windows.drivers import AuditedDriver, Trouble
from bootmend.windows.installation import Windows

STATION = Station.SYSTEM_DRIVERS


def check(windows: Windows) -> Iterator[Finding]:
    """One finding for each driver that a sound copy can replace; one a signer for all others."""
    signers: dict[tuple[str, str], list[AuditedDriver]] = {}
    reasons: dict[tuple[str, str], list[Skipped]] = {}
    untrusted = [one for one in windows.audited if one.trouble is Trouble.UNTRUSTED and one.verdict is not None]
    for driver in one_a_file(one for one in untrusted if taken_over(windows, one) is None):
        signer = _signer(driver)
        chosen, skipped = _copy(windows, driver)
        if chosen is not None:
            yield at_its_place(windows, driver, _mended(windows, driver, chosen, skipped))
        else:
            signers.setdefault(signer, []).append(driver)
            reasons.setdefault(signer, []).extend(skipped)
    for signer, drivers in signers.items():
        yield at_its_place(windows, worst(drivers), _told(signer, drivers, reasons[signer]))


def _signer(driver: AuditedDriver) -> tuple[str, str]:
    """Who signed it, and what is wrong with that."""
    assert driver.verdict is not None
    return driver.verdict.signer or "?", driver.verdict.status.value


def _copy(windows: Windows, driver: AuditedDriver) -> tuple[Chosen | None, Sequence[Skipped]]:
    """Nothing is looked for where nothing at all is trusted: there the root is not known, and no copy would be."""
    if not driver.stops_the_boot or all(other.trouble is not None for other in windows.audited):
        return None, ()
    return find_source(windows, driver)


def _mended(windows: Windows, driver: AuditedDriver, chosen: Chosen, skipped: Sequence[Skipped]) -> Finding:
    volume = driver.location.volume
    assert volume is not None
    actions: list[Action] = [
        ReplaceFile(
            volume=volume,
            path=driver.location.path,
            content=chosen.candidate.content,
            safety=Safety.RISKY if chosen.other_version else Safety.SAFE,
            risk=OTHER_VERSION if chosen.other_version else "",
        )
    ]
    # With the store gone, catalog_missing puts back this catalog with all the others.
    if chosen.lost_catalog is not None and windows.signatures.active.paths:
        actions.append(put_catalog(windows, chosen.lost_catalog))
    signer, status = _signer(driver)
    return Finding(
        rule="driver_untrusted",
        severity=driver_severity(driver),
        subject=driver.image,
        title=say("rules.driver_untrusted_title_one", image=driver.image, signer=signer, status=status),
        why=say("rules.driver_untrusted_why", signer=signer),
        evidence=(*driver.evidence(), *chosen.evidence),
        actions=tuple(actions),
        skipped=tuple(skipped) if chosen.other_version else (),
    )


def _told(signer: tuple[str, str], drivers: list[AuditedDriver], skipped: Sequence[Skipped]) -> Finding:
    first = worst(drivers)
    name, status = signer
    return Finding(
        rule="driver_untrusted",
        severity=driver_severity(first),
        subject=first.image,
        title=say("rules.driver_untrusted_title", count=len(drivers), signer=name, status=status),
        why=say("rules.driver_untrusted_why", signer=name),
        evidence=(
            *first.evidence(),
            Evidence(name, say("rules.signed_by_it", images=", ".join(driver.image for driver in drivers))),
        ),
        skipped=(Skipped(say("rules.trust_root"), say("rules.trust_root_reason")), *skipped),
    )
