"""The boot store has an entry for this Windows, but does not start it by default.

Symptom:  the boot manager says that the boot configuration holds no valid operating system (0xC0000098), shows
          a menu that it did not show before, tests the memory at every start, or starts Windows Setup, which
          ends in an error.
Cause:    default of the boot manager is not set, names an entry that does not exist, names Windows Setup or
          another image that is run in memory and is no longer on the disk, or names the memory test or the
          object that resumes from hibernation; or the store has no boot manager object at all.
Evidence: the boot manager's default and displayorder, and the entry that leads to the Windows folder.
Repair:   sets default to the one entry that leads to the Windows on this disk; a boot manager object that is gone
          is made anew, with the elements that bcdboot writes. Where a Setup or an
          upgrade is still under way, its image is there: that is changed on consent only (`--accept
          abandon-setup`), because it ends the upgrade.
Not done: where several entries could be meant, none is chosen. Where the menu still offers this Windows it is
          told as a risk: a person at the console can start it. An entry of another system (a boot sector, an
          older loader) is somebody's wish and is left alone.
By hand:  bcdedit /store <BCD> /default {identifier}.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bootmend.errors import InputError
from bootmend.findings import (
    Action,
    Confidence,
    Evidence,
    Finding,
    Prediction,
    Safety,
    Screen,
    Severity,
    Skipped,
    Station,
)
from bootmend.formats.bcd import BcdObject, FileDevice, ObjectType, RamdiskDevice, Store, identifier
from bootmend.rules._rebuild import new_manager
from bootmend.rules._store import (
    STATUS_FILE_INVALID,
    BootEntry,
    boot_entry,
    installed_loaders,
    is_installed,
    manager_screen,
    set_element,
)
from bootmend.texts import say
from bootmend.windows.bootentry import device_setting
from bootmend.windows.installation import Windows
from bootmend.windows.prediction import predict_screen

STATION = Station.BOOT_STORE
NEEDS_REGISTRY = False
RISK = "abandon-setup"
TOOLS = (ObjectType.MEMORY_TEST, ObjectType.RESUME)
"""What the boot manager starts now and then, and that never leads to Windows by itself."""


def check(windows: Windows) -> Iterator[Finding]:
    store = windows.chain.judged
    if store is None or not installed_loaders(windows, store):
        return
    default = store.default
    if default is not None and not _is_image(windows, store, default) and default.type not in TOOLS:
        return
    entry = boot_entry(windows)
    pending = default is not None and default.type not in TOOLS and _image_stands(windows, store, default)
    menu = [store.objects[one] for one in store.display_order if one in store.objects]
    offered = any(is_installed(windows, store, one) for one in menu)
    risk = pending or (default is None and offered)
    actions: tuple[Action, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    if entry is None:
        skipped = (Skipped(say("rules_boot.default_action"), say("rules_boot.default_several")),)
    else:
        edits = _edits(windows, store, entry)
        if isinstance(edits, Skipped):
            skipped = (edits,)
        else:
            actions = tuple(replace(edit, safety=Safety.RISKY, risk=RISK) if pending else edit for edit in edits)
    yield Finding(
        rule="bcd_default",
        severity=Severity.RISK if risk else Severity.CAUSE,
        subject="{bootmgr}",
        title=_title(store, default),
        why=say("rules_boot.default_why_pending" if pending else "rules_boot.default_why"),
        evidence=(
            Evidence(f"{store.file} {{bootmgr}}", _shown(store.boot_manager)),
            *((entry.evidence("device", "osdevice", "systemroot"),) if entry is not None else ()),
        ),
        actions=actions,
        skipped=skipped,
        prediction=None if risk else _predict(default),
    )


def _edits(windows: Windows, store: Store, entry: BootEntry) -> list[Action] | Skipped:
    manager = store.boot_manager
    if manager is None:
        return new_manager(windows, entry.object)
    return [set_element(windows, manager.id, manager.type, "default", entry.object.id)]


def _title(store: Store, default: BcdObject | None) -> str:
    if default is not None:
        return say("rules_boot.default_title_image", name=default.title or default.name)
    if store.boot_manager is None:
        return say("rules_boot.default_title_no_manager")
    if store.default_id is not None:
        return say("rules_boot.default_title", name=identifier(store.default_id))
    return say("rules_boot.default_title_unset")


def _predict(default: BcdObject | None) -> Prediction:
    if default is None:
        return manager_screen(say("rules_boot.default_predicted"), Confidence.MEDIUM, STATUS_FILE_INVALID)
    if default.type == ObjectType.MEMORY_TEST:
        words, why = say("rules_boot.memory_test_words"), say("rules_boot.memory_test_predicted")
        return predict_screen(Screen.STUCK, words, why, Confidence.MEDIUM)
    return manager_screen(say("rules_boot.default_predicted"), Confidence.MEDIUM, None)


def _shown(manager: BcdObject | None) -> str:
    if manager is None:
        return say("rules_boot.no_such_object")
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
