"""The default boot entry starts a Windows out of a virtual disk whose file is gone.

Symptom:  the boot manager's error page, before any sign of Windows.
Cause:    device and osdevice of the default entry name a VHD or VHDX file (native boot), and that file is not on
          the partition that they name: it was moved, renamed or deleted.
Evidence: the entry's osdevice, and the place where the file is not.
Repair:   with --accept start-other-windows, makes the one entry that leads to the Windows on this disk the default.
Not done: no file is made up. Where the partition itself is not on this disk it is told as a risk: it may be
          that of another disk. A virtual disk that is there is a disk of its own: bootmend files get takes it
          out, and bootmend diagnose looks at it.
By hand:  put the file back, or bcdedit /store <BCD> /default {identifier}.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bootmend.errors import InputError
from bootmend.findings import Action, Confidence, Evidence, Finding, Safety, Severity, Skipped, Station
from bootmend.formats.bcd import BcdObject
from bootmend.rules._store import installed_loaders, leads_to, manager_screen, set_element
from bootmend.texts import say
from bootmend.windows.bootentry import DeviceSetting, Leads, device_setting
from bootmend.windows.image import address
from bootmend.windows.installation import Windows

STATION = Station.BOOT_STORE
NEEDS_REGISTRY = False

OTHER_WINDOWS = "start-other-windows"
"""The word for `--accept` that allows another Windows to become the default."""


def check(windows: Windows) -> Iterator[Finding]:
    store = windows.chain.judged
    default = store.default if store is not None else None
    if store is None or default is None:
        return
    setting = device_setting(windows.image, windows.chain, store, default, "osdevice")
    if setting.virtual_disk and setting.named is not None and _is_gone(windows, setting):
        yield _finding(windows, default, setting)


def _finding(windows: Windows, default: BcdObject, setting: DeviceSetting) -> Finding:
    store = windows.chain.judged
    assert store is not None
    path = setting.virtual_disk
    here = setting.partition is not None
    manager = store.boot_manager
    others = [one for one in installed_loaders(windows, store) if one.id != default.id]
    own = [one for one in others if leads_to(windows, store, one)]
    actions: tuple[Action, ...] = ()
    if manager is not None and len(own) == 1:
        edit: Action = set_element(windows, manager.id, manager.type, "default", own[0].id)
        actions = (replace(edit, safety=Safety.RISKY, risk=OTHER_WINDOWS),)
    place = address(setting.partition, path) if setting.partition is not None else str(setting.named)
    nothing = Skipped(say("rules_boot.virtual_action"), say("rules_boot.virtual_skipped"))
    predicted = manager_screen(say("rules_boot.virtual_predicted", path=path), Confidence.MEDIUM, None, path)
    return Finding(
        rule="bcd_virtual_disk",
        severity=Severity.CAUSE if here else Severity.RISK,
        subject=default.name,
        title=say("rules_boot.virtual_title" if here else "rules_boot.virtual_title_elsewhere", path=path),
        why=say("rules_boot.virtual_why" if here else "rules_boot.virtual_why_elsewhere"),
        evidence=(
            Evidence(f"{store.file} {default.name}", f"osdevice {setting.device}"),
            Evidence(place, say("rules_boot.file_not_here")),
        ),
        actions=actions,
        skipped=() if actions else (nothing,),
        prediction=predicted if here else None,
    )


def _is_gone(windows: Windows, setting: DeviceSetting) -> bool:
    """Nothing is said of a partition that cannot be read."""
    if setting.partition is None:
        return setting.leads is Leads.NOWHERE_HERE
    try:
        return not windows.image.has_file(setting.partition, setting.virtual_disk)
    except InputError:
        return False
