"""The file of a driver that is loaded at boot does not exist.

Symptom:  stop 0x5A CRITICAL_SERVICE_FAILED with status 0xC0000034 where the driver is critical (ErrorControl 3); stop
          0x7B INACCESSIBLE_BOOT_DEVICE where it is one that the boot disk hangs on (disk, vmbus, storvsc and the like
          have ErrorControl 1); an error screen of the boot loader with 0xC000000F for the file system, ntfs.sys.
          Otherwise Windows starts without it.
Cause:    a service of Start 0 or 1, or the file system of the boot volume whatever its Start, names a file that is
          not on the disk.
Evidence: the service's key, and the folder in which the file is not. What the boot disk hangs on is told by the
          devices under Enum that lead from it up to the bus at the root, where every way that is known has the driver.
Repair:   puts a sound copy there, from the same sources and by the same proof as for a damaged
          driver (WinSxS, WinSxS\\Backup, the driver store, then a donor).
Not done: an ImagePath that leads to no file is not changed; where the driver stands, sound, in System32\\drivers under
          its service's name, that is told. The service is not disabled: a critical driver is there because the machine
          needs it. A driver that Windows starts without (ErrorControl 0 or 1) is left alone: real machines keep
          services of removed software. One that Windows has turned off for this hardware (StartOverride) is not loaded,
          and not missed. One of another maker of which no sound copy is at hand is told by third_party_boot_driver.
By hand:  `sfc /scannow /offbootdir=D:\\ /offwindir=D:\\Windows`, or copy the file from WinSxS or from a machine of
          the same build: `copy D:\\Windows\\WinSxS\\<component>\\<driver>.sys D:\\Windows\\System32\\drivers\\`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bootmend.actions.create_file import CreateFile
from bootmend.findings import Action, Finding, Severity, Skipped, Station
from bootmend.rules._severity import at_its_place, driver_severity, one_a_file
from bootmend.rules._sources import find_source
from bootmend.rules._third_party import taken_over
from bootmend.rules.catalog_missing import put_catalog
from bootmend.texts import say
from bootmend.windows.drivers import AuditedDriver, Trouble
from bootmend.windows.installation import Windows
from bootmend.windows.service import ErrorControl

STATION = Station.SYSTEM_DRIVERS


def check(windows: Windows) -> Iterator[Finding]:
    missing: list[AuditedDriver] = []
    for driver in windows.audited:
        # Real machines keep services of removed software; Windows starts without their files.
        severe = driver.service.error_control >= ErrorControl.SEVERE or driver.stops_the_boot
        if driver.trouble is Trouble.FILE_MISSING and severe:
            missing.append(driver)
    for driver in one_a_file(one for one in missing if taken_over(windows, one) is None):
        yield at_its_place(windows, driver, _finding(windows, driver))


def _why(driver: AuditedDriver, severity: Severity) -> str:
    if severity is not Severity.CAUSE:
        return "rules.driver_missing_why_risk"
    return "rules.driver_missing_why" if driver.service.critical else "rules.driver_missing_why_disk"


def _usual_place(windows: Windows, driver: AuditedDriver) -> list[Skipped]:
    """The file stands where a service without ImagePath has it: then it is the path that is wrong."""
    name = driver.service.name
    usual = windows.audit(replace(driver.service, image_path=""))
    if usual.trouble is not None or usual.location == driver.location:
        return []
    where, path = f"SYSTEM\\{driver.service.key}", f"System32\\drivers\\{name}.sys"
    return [Skipped(say("rules.set_image_path", where=where, path=path), say("rules.set_image_path_reason", path=path))]


def _sibling(windows: Windows, driver: AuditedDriver) -> str:
    """Another driver in the same folder, whose owner and ACL the new file gets."""
    folder = driver.location.path.rsplit("\\", 1)[0].lower()
    for other in windows.audited:
        if other.verdict is not None and other.location.volume == driver.location.volume:
            path = other.location.path
            if path.rsplit("\\", 1)[0].lower() == folder:
                return path
    return ""


def _finding(windows: Windows, driver: AuditedDriver) -> Finding:
    chosen, skipped = find_source(windows, driver)
    actions: list[Action] = []
    evidence = list(driver.evidence())
    volume = driver.location.volume
    if driver.entry is not None:
        skipped = [Skipped(say("rules.restore_file", where=driver.where), say("rules.folder_in_the_way"))]
        chosen = None
    elif chosen is not None and volume is not None:
        evidence.extend(chosen.evidence)
        like = _sibling(windows, driver)
        actions.append(
            CreateFile(volume=volume, path=driver.location.path, content=chosen.candidate.content, like=like)
        )
        if chosen.lost_catalog is not None and windows.signatures.active.paths:
            actions.append(put_catalog(windows, chosen.lost_catalog))
    if chosen is None:
        skipped = [*_usual_place(windows, driver), *skipped]
    severity = driver_severity(driver)
    return Finding(
        rule="driver_missing",
        severity=severity,
        subject=driver.image,
        title=say("rules.driver_missing_title", image=driver.image),
        why=say(_why(driver, severity)),
        evidence=tuple(evidence),
        actions=tuple(actions),
        skipped=tuple(skipped) if chosen is None else (),
    )
