"""How much a driver that the kernel would not take matters, by Microsoft's meaning of ErrorControl."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bootmend.findings import Finding, Severity
from bootmend.rules._refusals import dumped, refusals
from bootmend.windows.boot_outlook import predict_file, station_of
from bootmend.windows.bootfiles import BootFile
from bootmend.windows.drivers import AuditedDriver
from bootmend.windows.installation import Windows
from bootmend.windows.prediction import driver_station, predict_driver


def driver_severity(driver: AuditedDriver) -> Severity:
    """CAUSE where the machine stops (ErrorControl 3); RISK where it starts without the driver, or may take it.

    2 makes Windows try Last Known Good and go on if that is what runs already; 0 and 1 go on.
    """
    return Severity.CAUSE if driver.stops_the_boot else Severity.RISK


def one_a_file(drivers: Iterable[AuditedDriver]) -> list[AuditedDriver]:
    """Several services may name one file: the one that stops the boot first speaks for it. Keeps the order."""
    chosen: dict[tuple[int | None, str], AuditedDriver] = {}
    for driver in drivers:
        place = (driver.location.volume, driver.location.path.lower())
        known = chosen.get(place)
        if known is None or driver_severity(driver) is Severity.CAUSE is not driver_severity(known):
            chosen[place] = driver
    return list(chosen.values())


def at_its_place(windows: Windows, driver: AuditedDriver, finding: Finding) -> Finding:
    """The finding with what would come of that driver, and when: drivers load one after the other."""
    if isinstance(driver, BootFile):
        return replace(finding, prediction=predict_file(driver), station=station_of(driver), rank=driver.rank)
    return replace(
        finding,
        evidence=(*finding.evidence, *refusals(windows, driver.image), *dumped(windows, driver.image)),
        prediction=predict_driver(windows, driver),
        station=driver_station(driver),
        rank=windows.load_ranks.get(driver.service.name.lower(), 0),
    )
