"""The boot store has an entry for this Windows, but does not start it by default.

Symptom:  the boot manager says that the boot configuration holds no valid operating system (0xC0000098), shows
          a menu that it did not show before, or starts Windows Setup, which ends in an error.
Cause:    default of the boot manager is not set, names an entry that does not exist, or names Windows Setup
          or another image that is run in memory and is no longer on the disk.
Evidence: the boot manager's default and displayorder, and the entry that leads to the Windows folder.
Repair:   sets default to the one entry that leads to the Windows on this disk. Where a Setup or an
          upgrade is still under way, its image is there: that is changed on consent only (`--accept
          abandon-setup`), because it ends the upgrade.
Not done: where several entries could be meant, none is chosen. Where the menu still offers this Windows it is
          told as a risk: a person at the console can start it.
By hand:  bcdedit /store <BCD> /default {identifier}.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bootmend.errors import InputError
from bootmend.findings import Action, Confidence, Evidence, Finding, Safety, Severity, Skipped, Station
from bootmend.formats.bcd import BcdObject, FileDevice, RamdiskDevice, Store, identifier
from bootmend.rules._store import (
    STATUS_FILE_INVALID,
    boot_entry,
    installed_loaders,
    is_installed,
    manager_screen,
    set_element,
)
from bootmend.texts import say
from bootmend.windows.bootentry import device_setting
from bootmend.windows.installation import Windows

STATION = Station.BOOT_STORE
NEEDS_REGISTRY = False
RISK = "abandon-setup"


def check(windows: Windows) -> Iterator[Finding]:
    store = windows.chain.judged
    manager = store.boot_manager if store is not None else None
    if store is None or manager is None or not installed_loaders(windows, store):
        return
    default = store.default
    if default is not None and not _is_image(windows, store, default):
        return
    entry = boot_entry(windows)
    pending = default is not None and _image_stands(windows, store, default)
    menu = [store.objects[one] for one in store.display_order if one in store.objects]
    offered = any(is_installed(windows, store, one) for one in menu)
    risk = pending or (default is None and offered)
    actions: tuple[Action, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    if entry is None:
        skipped = (Skipped(say("rules_boot.default_action"), say("rules_boot.default_several")),)
    else:
        edit: Action = set_element(windows, manager.id, manager.type, "default", entry.object.id)
        actions = (replace(edit, safety=Safety.RISKY, risk=RISK) if pending else edit,)
    if default is not None:
        title = say("rules_boot.default_title_image", name=default.title or default.name)
    elif store.default_id is not None:
        title = say("rules_boot.default_title", name=identifier(store.default_id))
    else:
        title = say("rules_boot.default_title_unset")
    predicted = say("rules_boot.default_predicted")
    yield Finding(
        rule="bcd_default",
        severity=Severity.RISK if risk else Severity.CAUSE,
        subject=manager.name,
        title=title,
        why=say("rules_boot.default_why_pending" if pending else "rules_boot.default_why"),
        evidence=(
            Evidence(f"{store.file} {manager.name}", _shown(manager)),
            *((entry.evidence("device", "osdevice", "systemroot"),) if entry is not None else ()),
        ),
        actions=actions,
        skipped=skipped,
        prediction=None
        if risk
        else manager_screen(predicted, Confidence.MEDIUM, STATUS_FILE_INVALID if default is None else None),
    )


def _shown(manager: BcdObject) -> str:
    said = (manager.element(name) for name in ("default", "displayorder"))
    return "; ".join(str(one) for one in said if one is not None) or say("rules_boot.unset", name="default")


def _is_image(windows: Windows, store: Store, found: BcdObject) -> bool:
    """It runs something in memory: Setup, a recovery environment."""
    return device_setting(windows.image, windows.chain, store, found, "osdevice").in_memory


def _image_stands(windows: Windows, store: Store, found: BcdObject) -> bool:
    """The image is on the disk, or where it should be cannot be looked at."""
    setting = device_setting(windows.image, windows.chain, store, found, "osdevice")
    if not isinstance(setting.device, RamdiskDevice | FileDevice) or setting.named is None:
        return True
    if setting.partition is None:
        return False
    try:
        return windows.image.volume(setting.partition).exists(setting.device.path)
    except InputError:
        return True
