"""The default boot entry names a partition that this disk does not have, or one without its Windows.

Symptom:  the boot manager's page "The boot selection failed because a required device is inaccessible", with
          status 0xC000000E; 0xC0000225 where the entry names no device at all; 0xC000000F and winload's path
          where winload is not on the partition named. Typical after a disk was cloned, its signature changed,
          partitions were made anew, or by `bcdedit /set device boot`.
Cause:    device (where winload stands) or osdevice (where the Windows folder stands) of the default entry
          is missing, cannot be read, names a partition by an identity that no partition here has, or leads
          (`boot` leads to the system partition) to one on which they do not stand, while they do on another.
Evidence: the entry's elements, the disk's own identity, and what says that it meant this very Windows: its
          own MountedDevices, the boot manager's device in the same store, the disk's signature or GUID.
Repair:   sets device and osdevice to the partition that holds the Windows folder, and with them what named
          the same lost partition (the resume object) or the lost system partition (the boot manager). Where
          another entry leads to that Windows already, it becomes the default instead.
Not done: `locate` devices name nothing and are right, and so is `boot` where Windows stands on the system
          partition. Where the entry may mean another disk of the machine, it is told as a risk: machines with
          Windows on a second disk look just like this. That, and an entry of a disk with several Windows, is
          changed on consent only (`--accept retarget-entry`).
By hand:  bcdedit /store <BCD> /set {default} device partition=<letter>:, the same for osdevice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bootmend.errors import InputError
from bootmend.findings import Action, Confidence, Evidence, Finding, Safety, Severity, Skipped, Station
from bootmend.formats.bcd import BootDevice, Partition, moved
from bootmend.rules._store import (
    STATUS_NO_SUCH_DEVICE,
    STATUS_NO_SUCH_FILE,
    STATUS_NOT_FOUND,
    BootEntry,
    boot_entry,
    installed_loaders,
    leads_to,
    manager_screen,
    only_windows,
    set_device,
    set_element,
)
from bootmend.texts import say
from bootmend.windows.bootentry import (
    DeviceSetting,
    Leads,
    device_setting,
    mounted_name,
    object_named,
    partition_device,
    same_disk,
)
from bootmend.windows.installation import Windows

STATION = Station.BOOT_STORE
NEEDS_REGISTRY = False
RISK = "retarget-entry"

_LOST = (Leads.NOWHERE_HERE, Leads.UNREADABLE, Leads.UNSET)


def check(windows: Windows) -> Iterator[Finding]:
    entry = boot_entry(windows)
    if entry is None:
        return
    settings = (entry.device, entry.osdevice)
    lost = [one for one in settings if one.leads in _LOST or _without_windows(windows, entry, one)]
    if lost:
        yield _finding(windows, entry, lost)


def _without_windows(windows: Windows, entry: BootEntry, setting: DeviceSetting) -> bool:
    """It leads to a partition of this disk without what the entry looks for there, while that stands elsewhere."""
    leads = setting.leads is Leads.HERE or isinstance(setting.device, BootDevice)
    if not leads or setting.partition in (None, windows.volume):
        return False
    wanted = [f"{entry.text('systemroot') or windows.path}\\System32"]
    loader = entry.text("path") or ""
    if setting.name == "device" and loader.startswith("\\"):
        wanted.append(loader)
    try:
        named, own = windows.image.volume(setting.partition), windows.image.volume(windows.volume)
        return not any(named.exists(path) for path in wanted) and any(own.exists(path) for path in wanted)
    except InputError:
        return False


def _finding(windows: Windows, entry: BootEntry, lost: list[DeviceSetting]) -> Finding:
    proof = _meant_this(windows, entry, lost)
    target = partition_device(windows.image, windows.volume)
    sure = proof is not None and only_windows(windows)
    actions: tuple[Action, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    others = [one for one in installed_loaders(windows, entry.store) if one.id != entry.object.id]
    whole = [one for one in others if leads_to(windows, entry.store, one)]
    manager = entry.store.boot_manager
    if proof is not None and len(whole) == 1 and manager is not None:
        # The entry of a Windows that is gone, and beside it the right one: that is to be the default.
        actions = (set_element(windows, manager.id, manager.type, "default", whole[0].id),)
    elif target is None:
        skipped = (Skipped(say("rules_boot.retarget"), say("rules_boot.no_identity")),)
    else:
        actions = tuple(_edits(windows, entry, lost, target))
    if not sure:
        actions = tuple(replace(action, safety=Safety.RISKY, risk=RISK) for action in actions)
    names = ", ".join(one.name for one in lost)
    nowhere = any(one.leads in _LOST for one in lost)
    title = say("rules_boot.device_title" if nowhere else "rules_boot.device_title_here", names=names)
    if not nowhere:
        why = say("rules_boot.device_why_here", names=names)
    else:
        why = say("rules_boot.device_why" if proof is not None else "rules_boot.device_why_unsure", names=names)
    predicted = say("rules_boot.device_predicted", names=names)
    prediction = manager_screen(predicted, Confidence.MEDIUM, _status(lost))
    return Finding(
        rule="bcd_device",
        severity=Severity.CAUSE if proof is not None else Severity.RISK,
        subject=entry.object.name,
        title=title,
        why=why,
        evidence=(
            entry.evidence("device", "osdevice"),
            Evidence(windows.image.device.name, say("rules_boot.disk_identity", id=windows.image.table.disk_id)),
            Evidence(windows.where(""), say("rules_boot.windows_here", partition=target or say("rules_boot.no_name"))),
            *([proof] if proof is not None else []),
        ),
        actions=actions,
        skipped=skipped,
        prediction=prediction if proof is not None else None,
    )


def _status(lost: list[DeviceSetting]) -> int | None:
    """Microsoft documents 0xC0000225 for a missing osdevice, 0xC000000E for devices that bcdedit shows as `unknown`."""
    if any(one.leads is Leads.UNSET for one in lost):
        return STATUS_NOT_FOUND
    if any(one.leads in _LOST for one in lost):
        return STATUS_NO_SUCH_DEVICE
    # The boot manager misses winload; what winload says of a volume without its folder differs from build to build.
    return STATUS_NO_SUCH_FILE if any(one.name == "device" for one in lost) else None


def _edits(windows: Windows, entry: BootEntry, lost: list[DeviceSetting], target: Partition) -> Iterator[Action]:
    gone = {one.named for one in lost if one.named is not None}
    for one in lost:
        whole = moved(one.device, target) if one.device is not None and one.named is not None else target
        yield set_device(windows, entry.object, one.name, whole)
    resume = object_named(entry.store, entry.object, "resumeobject")
    if resume is not None:
        for name in ("device", "filedevice"):
            setting = device_setting(windows.image, windows.chain, entry.store, resume, name)
            if setting.leads is Leads.NOWHERE_HERE and setting.named in gone:
                yield set_device(windows, resume, name, target)
    manager, system = entry.store.boot_manager, windows.chain.start.volume
    place = partition_device(windows.image, system) if system is not None else None
    if manager is not None and place is not None:
        setting = device_setting(windows.image, windows.chain, entry.store, manager, "device")
        if setting.leads is Leads.NOWHERE_HERE:
            yield set_device(windows, manager, "device", place)


def _meant_this(windows: Windows, entry: BootEntry, lost: list[DeviceSetting]) -> Evidence | None:
    """What shows that the entry meant the Windows on this disk; None where another disk may be meant."""
    named = [one.named for one in lost if one.named is not None]
    if any(one.leads in (Leads.HERE, Leads.FOUND_AT_BOOT) for one in lost):
        return Evidence(windows.where(""), say("rules_boot.meant_folder"))
    if not named:
        return Evidence(entry.where, say("rules_boot.meant_nothing_else"))
    own = partition_device(windows.image, windows.volume)
    for place in named:
        if own is not None and same_disk(place, own):
            return Evidence(entry.where, say("rules_boot.meant_own_disk"))
        if windows.registry_fault is None:
            mounted = windows.system.hive.key("MountedDevices")
            for value in mounted.values() if mounted is not None else []:
                if value.name.upper() == "\\DOSDEVICES\\C:" and value.data == mounted_name(place):
                    return Evidence("SYSTEM\\MountedDevices", say("rules_boot.meant_mounted"))
    manager = entry.store.boot_manager
    if manager is not None:
        setting = device_setting(windows.image, windows.chain, entry.store, manager, "device")
        # The store lies where its boot manager starts from: an identity that is gone was this disk's own.
        gone = setting.named if setting.leads is Leads.NOWHERE_HERE else None
        if gone is not None and all(same_disk(place, gone) for place in named):
            return Evidence(f"{entry.store.file} {manager.name}", say("rules_boot.meant_manager"))
    return None
