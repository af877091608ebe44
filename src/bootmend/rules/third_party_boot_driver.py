"""A driver of another maker is loaded at boot, and Windows would not take its file.

Symptom:  stop 0x5A CRITICAL_SERVICE_FAILED with status 0xC0000428 (or 0xC0000034 where the file is gone), naming
          a driver that did not come with Windows: an antivirus, backup, encryption or monitoring product.
Cause:    a service of Start 0 or 1 with ErrorControl 3 names a file that is missing, damaged, for another machine,
          or refused for its signature, and no sound copy of it is at hand.
Evidence: the service's key, the file and its signature, and what shows that it is not Microsoft's: where it stands,
          the package that owns its service, its signer, or that no component of Windows has such a file.
Repair:   with --accept disable-driver, sets Start to 4 in the control set that boots; the others keep what they have,
          so that the last good configuration stays a way out. The product does not work until it is installed anew.
Not done: one with a lower ErrorControl: Windows goes on without it. A driver whose file can be put back (its driver
          package or a donor has it) is mended by driver_damaged or driver_missing instead. Never disabled, and so
          left to those rules: Microsoft's drivers; drivers of disks, adapters, volumes, system devices, network and
          display; load groups SCSI *, Boot Bus Extender, System Bus Extender, Filter, NDIS, FSFilter Encryption and
          FSFilter Bottom; filters of a class or a device; what the critical device database names; drivers of
          Mellanox, NVIDIA, AMD and Intel.
By hand:  `reg load HKLM\\BROKEN D:\\Windows\\System32\\config\\SYSTEM`, then
          `reg add HKLM\\BROKEN\\ControlSet001\\Services\\<driver> /v Start /t REG_DWORD /d 4 /f`,
          `reg unload HKLM\\BROKEN`. The set is the one that Select\\Default names.
"""

from __future__ import annotations

from collections.abc import Iterator

from bootmend.findings import Finding, Skipped, Station
from bootmend.rules._severity import at_its_place, driver_severity
from bootmend.rules._third_party import TakenOver, taken_over
from bootmend.rules._values import set_number
from bootmend.texts import say
from bootmend.windows.drivers import AuditedDriver, Trouble
from bootmend.windows.installation import Windows
from bootmend.windows.service import Start

STATION = Station.SYSTEM_DRIVERS

DISABLE_DRIVER = "disable-driver"
"""The word for `--accept` that allows turning a driver of another maker off."""


def check(windows: Windows) -> Iterator[Finding]:
    for driver in windows.audited if any(one.trouble for one in windows.audited) else []:
        taken = taken_over(windows, driver)
        if taken is not None:
            yield at_its_place(windows, driver, _finding(windows, driver, taken))


def _finding(windows: Windows, driver: AuditedDriver, taken: TakenOver) -> Finding:
    whose, skipped = taken
    service = driver.service
    trust = Skipped(say("rules.trust_root"), say("rules.trust_root_reason"))
    advice = (trust,) if driver.trouble is Trouble.UNTRUSTED else ()
    return Finding(
        rule="third_party_boot_driver",
        severity=driver_severity(driver),
        subject=driver.image,
        title=say("rules_storage.third_party_title", image=driver.image, service=service.name),
        why=say("rules_storage.third_party_why", image=driver.image),
        evidence=(*driver.evidence(), whose),
        actions=(set_number(windows, service.key, "Start", Start.DISABLED, risk=DISABLE_DRIVER),),
        skipped=(*skipped, *advice),
    )
