"""A real SYSTEM hive to grow a machine around: its services, and the files it comes with.

The hive stays as it is but for MountedDevices, which is made to name the lab's own partition; one that
cannot be edited (dirty without logs, unsound) is taken byte for byte, its logs beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from bootmend.errors import BootmendError, InputError, ParseError
from bootmend.formats.hive import Hive, HiveEditor, Key, RecoveryState, recover
from bootmend.lab.blueprint import Blueprint
from bootmend.lab.layout import Layout
from bootmend.lab.registry_text import apply_settings
from bootmend.lab.system_hive import INSTALLED, mounted_devices
from bootmend.texts import say
from bootmend.windows.loadorder import LoadOrder
from bootmend.windows.service import Service, Start, read_service

_LOGS = ("LOG", "LOG1", "LOG2")


@dataclass(frozen=True, slots=True)
class RealHive:
    services: tuple[Service, ...]
    bits: int
    """64 or 32, by the processor the hive names."""
    files: dict[str, bytes] = field(default_factory=dict)
    """What goes into config: SYSTEM, and its logs where they still matter."""


def read_real_hive(path: Path, blueprint: Blueprint, layout: Layout) -> RealHive:
    """The hive at `path`; its logs are looked for beside it, as `<path>.LOG1` and so on."""
    try:
        primary = path.read_bytes()
        logs = {log: _beside(path, log).read_bytes() for log in _LOGS if _beside(path, log).is_file()}
    except OSError as error:
        raise InputError(say("lab.unreadable", path=path, why=error.strerror)) from error
    recovery = recover(primary, logs, str(path))
    hive = Hive.parse(recovery.data, str(path))
    control_set = current_control_set(hive)
    files = {"SYSTEM": primary, **{f"SYSTEM.{log}": data for log, data in logs.items()}}
    if recovery.state is not RecoveryState.UNREPLAYABLE:
        try:
            editor = HiveEditor(recovery.data, str(path), highest_sequence=recovery.highest_sequence)
            apply_settings(editor, mounted_devices(blueprint, layout))
            files = {"SYSTEM": editor.finish(INSTALLED)}
        except BootmendError:
            pass  # unsound, and so none of the lab's business: taken as it is
    return RealHive(tuple(services_of(control_set)), _bits(control_set), files)


def services_of(control_set: Key) -> list[Service]:
    """Every service of a control set. Raises ParseError where there are none."""
    services = control_set.key("Services")
    if services is None:
        raise ParseError("SYSTEM", 0, f"a key {control_set.name}\\Services")
    return [read_service(key, f"{control_set.name}\\Services\\{key.name}") for key in services.subkeys()]


def load_order(system_hive: bytes) -> list[str]:
    """Names of the drivers that Windows loads at boot, in its order."""
    control_set = current_control_set(Hive.parse(system_hive, "SYSTEM"))
    drivers = [
        service
        for service in services_of(control_set)
        if service.loads_at_boot and not _turned_off(control_set.key(f"Services\\{service.name}"))
    ]
    control = control_set.key("Control")
    ordered = LoadOrder(control).sort(drivers) if control is not None else drivers
    return [service.name for service in ordered]


def _turned_off(service: Key | None) -> bool:
    """Windows itself does not load it on the hardware of the hive (StartOverride of configuration 0)."""
    override = service.key("StartOverride") if service is not None else None
    value = override.value("0") if override is not None else None
    return value is not None and value.number > Start.SYSTEM


def current_control_set(hive: Hive) -> Key:
    """The control set that Select\\Current names. Raises ParseError where there is none."""
    select = hive.key("Select")
    current = select.value("Current") if select is not None else None
    if current is None:
        raise ParseError(hive.file, 0, "a value Current under the key Select")
    key = hive.key(f"ControlSet{current.number:03d}")
    if key is None:
        raise ParseError(hive.file, 0, f"a key ControlSet{current.number:03d}, which Select\\Current names")
    return key


def _bits(control_set: Key) -> int:
    environment = control_set.key("Control\\Session Manager\\Environment")
    value = environment.value("PROCESSOR_ARCHITECTURE") if environment is not None else None
    return 32 if value is not None and value.text.lower() == "x86" else 64


def _beside(path: Path, log: str) -> Path:
    return path.with_name(f"{path.name}.{log}")
