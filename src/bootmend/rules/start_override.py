"""A driver that the boot disk needs is turned off for the hardware that this machine runs on.

Symptom:  stop 0x7B INACCESSIBLE_BOOT_DEVICE right after the logo, though Start of every driver is right; often
          after a disk was moved to another controller or another kind of virtual machine.
Cause:    from Windows 8 on, Windows turns off boot drivers that a machine's hardware does not use, a number for
          each hardware it was started on: Services\\<driver>\\StartOverride, where the value named like the hardware's
          number takes the place of Start. That of a driver on the way to the boot disk is not 0.
Evidence: the StartOverride key, the hardware that was started last (HardwareConfig\\LastId), and the devices
          that lead from the boot disk up to the bus at the root.
Repair:   sets that one value to 0.
Not done: values of drivers that this machine's disk does not hang on, and those of other hardware, are what Windows
          made them. A machine that has one whole way left from a disk to the root is left alone. Windows 7 does not
          know this key. That the number is the one of LastId is inferred: real hives have 0 for both, and
          Microsoft's repair scripts for Azure set the value named 0.
By hand:  `reg load HKLM\\BROKEN D:\\Windows\\System32\\config\\SYSTEM`, then
          `reg add HKLM\\BROKEN\\ControlSet001\\Services\\<driver>\\StartOverride /v 0 /t REG_DWORD /d 0 /f`,
          `reg unload HKLM\\BROKEN`. The set is the one that Select\\Default names.
"""

from __future__ import annotations

from collections.abc import Iterator

from bootmend.findings import Confidence, Evidence, Finding, Severity, Station
from bootmend.rules._values import set_number
from bootmend.rules.boot_driver_start import ALWAYS
from bootmend.texts import say
from bootmend.windows.installation import Windows
from bootmend.windows.prediction import predict_stop
from bootmend.windows.service import Service, Start

STATION = Station.BOOT_DEVICE


def check(windows: Windows) -> Iterator[Finding]:
    boot_disk = windows.boot_disk
    # A machine without such a bus, as Hyper-V's second generation is, may have pci turned off by Windows itself.
    needed = [name for name in ALWAYS if name != "pci"]
    if boot_disk.blocked(needed):
        needed += [name for name in boot_disk.needed if name not in needed]
    for rank, name in enumerate(needed):
        loading = boot_disk.loading(name)
        wrong = not loading.override_right and loading.override not in ALWAYS.get(name, ())
        if wrong and loading.service is not None:
            yield _finding(windows, loading.service, loading.override, rank)


def _finding(windows: Windows, service: Service, override: int | None, rank: int) -> Finding:
    number = windows.boot_disk.configuration
    key = f"{service.key}\\StartOverride"
    on_the_way = windows.boot_disk.evidence(service.name)
    sure = Confidence.HIGH if on_the_way else Confidence.MEDIUM
    return Finding(
        rule="start_override",
        severity=Severity.CAUSE,
        subject=service.name,
        title=say("rules_storage.override_title", service=service.name, number=number, start=override),
        why=say("rules_storage.override_why", service=service.name),
        evidence=(
            Evidence(f"SYSTEM\\{key}", f"{number}={override}"),
            service.evidence(),
            Evidence("SYSTEM\\HardwareConfig", say("rules_storage.last_hardware", number=number)),
            *on_the_way,
        ),
        actions=(set_number(windows, key, number, Start.BOOT),),
        prediction=predict_stop(0x7B, say("rules_storage.start_predict", service=service.name), sure),
        rank=rank,
    )
