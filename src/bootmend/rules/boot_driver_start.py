"""A driver that the boot disk needs is not loaded at boot.

Symptom:  stop 0x7B INACCESSIBLE_BOOT_DEVICE right after the logo, often after a service was disabled to make
          Windows faster or safer, or after a disk was moved to another controller.
Cause:    the boot loader reads a driver into memory only where Start is 0. A driver between the boot disk and
          the kernel has another number, is called something else than a driver (Type), or has no service at all.
Evidence: the service's key, and the devices under Enum that lead from the boot disk up to the bus at the
          root: disk, adapter, bus. Every machine needs acpi, disk, volmgr and mountmgr (Start 0) and partmgr
          (0 or 1); pci where it has such a bus, and volsnap (0, 1 or 3) where its volumes name it. Microsoft's
          repair scripts for Azure hold them to these values. Of the adapters' drivers only those count that its
          own disk hangs on.
Repair:   sets Start to 0, and Type to 1 where it names no driver. A missing service is copied from another control set
          of the same machine; pci, disk, partmgr and volmgr, which are alike on every Windows, are made anew where
          their file is there.
Not done: drivers of adapters that this machine's disk does not hang on may have any Start: Windows itself turns
          them off. A machine that has one whole way left from a disk to the root is left alone. A driver with
          BootFlags (USB, VHD, network) is loaded when it is booted from, and only blamed where it is disabled.
          fvevol is not judged. vmbus and storvsc are noted where they are disabled on a machine that shows no
          sign of Hyper-V.
By hand:  `reg load HKLM\\BROKEN D:\\Windows\\System32\\config\\SYSTEM`, then
          `reg add HKLM\\BROKEN\\ControlSet001\\Services\\<driver> /v Start /t REG_DWORD /d 0 /f`,
          `reg unload HKLM\\BROKEN`. The set is the one that Select\\Default names.
"""

from __future__ import annotations

from collections.abc import Iterator

from bootmend.actions.registry import CopyKey
from bootmend.errors import InputError, Refused, Unequipped
from bootmend.findings import Action, Confidence, Evidence, Finding, Severity, Skipped, Station
from bootmend.formats.hive import ValueType
from bootmend.rules._values import set_number, set_text
from bootmend.texts import say
from bootmend.windows.boot_disk import Loading
from bootmend.windows.devices import VOLUME
from bootmend.windows.installation import Windows
from bootmend.windows.prediction import predict_stop
from bootmend.windows.service import KERNEL_DRIVER, ErrorControl, Start

STATION = Station.BOOT_DEVICE

ALWAYS = {
    "acpi": (0,),
    "pci": (0,),
    "disk": (0,),
    "volmgr": (0,),
    "mountmgr": (0,),
    "partmgr": (0, 1),
    "volsnap": (0, 1, 3),
}
"""What every boot needs, and the values of Start with which it gets it."""

GUEST = ("vmbus", "storvsc")

ALIKE = {
    "pci": ("Boot Bus Extender", ErrorControl.CRITICAL),
    "partmgr": ("Boot Bus Extender", ErrorControl.CRITICAL),
    "volmgr": ("System Bus Extender", ErrorControl.CRITICAL),
    "disk": ("", ErrorControl.NORMAL),
}
"""Group and ErrorControl of the services that may be made anew: the same on Windows 7, 8.1 and Server 2022."""


def check(windows: Windows) -> Iterator[Finding]:
    boot_disk = windows.boot_disk
    for rank, (name, starts) in enumerate(ALWAYS.items()):
        loading = boot_disk.loading(name)
        if name == "volsnap" and loading.service is None and not _has_snapshots(windows):
            continue
        if loading.service is None or not loading.service.is_driver or loading.service.start not in starts:
            needed = {"pci": _has_pci, "volsnap": _has_snapshots}.get(name, _always)(windows)
            yield _finding(windows, name, loading, Severity.CAUSE if needed else Severity.RISK, rank)
    if boot_disk.blocked(ALWAYS):
        for rank, name in enumerate(boot_disk.needed, len(ALWAYS)):
            loading = boot_disk.loading(name)
            if name not in ALWAYS and not loading.start_right:
                yield _finding(windows, name, loading, Severity.CAUSE, rank)
    if boot_disk.hyper_v is None:
        yield from _disabled_guest_drivers(windows)


def _always(_: Windows) -> bool:
    return True


def _has_snapshots(windows: Windows) -> bool:
    """Volumes are driven or filtered by volsnap; small editions of Windows do without it."""
    volumes = windows.boot_disk.devices.under("STORAGE")
    key = windows.control(f"Control\\Class\\{VOLUME}")
    listed = [key.value(name) for name in ("UpperFilters", "LowerFilters")] if key is not None else []
    named = {name.lower() for value in listed if value is not None for name in value.strings}
    named |= {device.service.lower() for device in volumes if device.path.lower().startswith("storage\\volume\\")}
    return "volsnap" in named


def _has_pci(windows: Windows) -> bool:
    """A second-generation machine of Hyper-V has no PCI bus."""
    devices = windows.boot_disk.devices
    roots = [one for one in devices.under("ACPI") if one.service.lower() == "pci"]
    on_it = "pci" in windows.boot_disk.needed
    return bool(roots) or on_it or windows.boot_disk.hyper_v is None or windows.chain.firmware == "bios"


def _finding(windows: Windows, name: str, loading: Loading, severity: Severity, rank: int) -> Finding:
    service = loading.service
    shown = service.name if service is not None else name
    key = f"{windows.control_set}\\Services\\{shown}"
    start = say("rules_storage.no_start") if service is None or service.start is None else str(service.start)
    actions: list[Action] = []
    skipped: list[Skipped] = []
    if service is not None:
        title = say("rules_storage.start_title", service=shown, start=start)
        if not service.is_driver:
            actions.append(set_number(windows, key, "Type", KERNEL_DRIVER))
            title = say("rules_storage.start_title_type", service=shown, type=service.type)
        if service.is_driver or service.start != Start.BOOT:
            actions.append(set_number(windows, key, "Start", Start.BOOT))
        seen = [service.evidence()]
    else:
        actions, skipped = _made_anew(windows, name)
        title = say("rules_storage.start_title_gone", service=shown)
        seen = [Evidence(f"SYSTEM\\{key}", say("rules_storage.no_such_key"))]
    cause = severity is Severity.CAUSE
    sure = Confidence.HIGH if windows.boot_disk.evidence(name) or name in ("disk", "volmgr") else Confidence.MEDIUM
    return Finding(
        rule="boot_driver_start",
        severity=severity,
        subject=shown,
        title=title,
        why=say("rules_storage.start_why" if cause else "rules_storage.start_why_risk", service=shown),
        evidence=(*seen, *windows.boot_disk.evidence(name)),
        actions=tuple(actions),
        skipped=tuple(skipped),
        prediction=predict_stop(0x7B, say("rules_storage.start_predict", service=shown), sure) if cause else None,
        rank=rank,
    )


def _made_anew(windows: Windows, name: str) -> tuple[list[Action], list[Skipped]]:
    """A missing service: from another control set, or what it is on every Windows; or why not."""
    key = f"{windows.control_set}\\Services\\{name}"
    action = say("rules_storage.start_add", service=name)
    for other in windows.system.hive.root.subkeys():
        pattern = other.key(f"Services\\{name}") if other.name.lower().startswith("controlset") else None
        if pattern is not None and pattern.value("Start") is not None:
            copied: list[Action] = [CopyKey(hive=windows.system_hive, key=key, pattern=pattern.path)]
            return [*copied, set_number(windows, key, "Start", Start.BOOT)], []
    if name not in ALIKE:
        return [], [Skipped(action, say("rules_storage.start_add_unknown"))]
    file = f"System32\\drivers\\{name}.sys"
    if not _is_there(windows, f"{windows.path}\\{file}"):
        return [], [Skipped(action, say("rules_storage.start_add_no_file", where=windows.where(file)))]
    group, error_control = ALIKE[name]
    made: list[Action] = [
        set_number(windows, key, "Type", 1),
        set_number(windows, key, "Start", Start.BOOT),
        set_number(windows, key, "ErrorControl", error_control),
        set_text(windows, key, "ImagePath", file, ValueType.EXPAND_SZ),
    ]
    return made + ([set_text(windows, key, "Group", group, ValueType.SZ)] if group else []), []


def _disabled_guest_drivers(windows: Windows) -> Iterator[Finding]:
    for name in GUEST:
        service = windows.services.get(name)
        if service is not None and service.start == Start.DISABLED and name not in windows.boot_disk.needed:
            yield Finding(
                rule="boot_driver_start",
                severity=Severity.NOTE,
                subject=service.name,
                title=say("rules_storage.hyper_v_disabled_title", service=service.name),
                why=say("rules_storage.hyper_v_disabled_why", service=service.name),
                evidence=(service.evidence(),),
                station=Station.AFTERWARDS,
            )


def _is_there(windows: Windows, path: str) -> bool:
    try:
        return windows.image.volume(windows.volume).stat(path).size > 0
    except Unequipped:
        raise
    except (InputError, Refused):
        return False
