"""The driver of NVMe disks is there, but is not loaded at boot.

Symptom:  none on this machine; stop 0x7B INACCESSIBLE_BOOT_DEVICE once it is moved to hardware, or to a size of
          virtual machine in Azure, that boots from NVMe.
Cause:    stornvme.sys stands in System32\\drivers, but its service is missing or its Start is not 0.
Evidence: the file, and the service's key.
Repair:   on a virtual machine of Hyper-V, which may be given NVMe disks at any resize, sets Start to 0, as Windows
          ships it. Elsewhere it is only noted.
Not done: where the boot disk hangs on it, boot_driver_start tells it as a cause. A StartOverride of this machine's
          hardware is right: other hardware gets another one. A missing service is not made up.
By hand:  `reg load HKLM\\BROKEN D:\\Windows\\System32\\config\\SYSTEM`, then
          `reg add HKLM\\BROKEN\\ControlSet001\\Services\\stornvme /v Start /t REG_DWORD /d 0 /f`,
          `reg unload HKLM\\BROKEN`. The set is the one that Select\\Default names.
"""

from __future__ import annotations

from collections.abc import Iterator

from bootmend.errors import InputError, Refused, Unequipped
from bootmend.findings import Evidence, Finding, Severity, Skipped, Station
from bootmend.rules._values import set_number
from bootmend.texts import say
from bootmend.windows.installation import Windows
from bootmend.windows.service import Start

STATION = Station.AFTERWARDS

_NAME = "stornvme"
_FILE = "System32\\drivers\\stornvme.sys"


def check(windows: Windows) -> Iterator[Finding]:
    service = windows.services.get(_NAME)
    right = service is not None and service.start == Start.BOOT
    if right or _NAME in windows.boot_disk.needed or not _is_there(windows):
        return
    guest = windows.boot_disk.hyper_v
    key = f"{windows.control_set}\\Services\\{_NAME}"
    seen = service.evidence() if service is not None else Evidence(f"SYSTEM\\{key}", say("rules_storage.no_such_key"))
    mend = guest is not None and service is not None
    yield Finding(
        rule="nvme_driver",
        severity=Severity.RISK if mend else Severity.NOTE,
        subject=_NAME,
        title=say("rules_storage.nvme_title"),
        why=say("rules_storage.nvme_why"),
        evidence=(Evidence(windows.where(_FILE), say("rules_storage.is_there")), seen, *([guest] if guest else [])),
        actions=(set_number(windows, key, "Start", Start.BOOT),) if mend else (),
        skipped=() if service is not None else (_no_service(),),
    )


def _no_service() -> Skipped:
    return Skipped(say("rules_storage.start_add", service=_NAME), say("rules_storage.start_add_unknown"))


def _is_there(windows: Windows) -> bool:
    try:
        return windows.image.volume(windows.volume).stat(f"{windows.path}\\{_FILE}").size > 0
    except Unequipped:
        raise
    except (InputError, Refused):
        return False
