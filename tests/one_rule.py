"""One rule asked of a machine as it stands, without the others; and devices written into its Enum key."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager

from strange_machines import Strange, strange

from bootmend.findings import Finding
from bootmend.formats.hive import HiveEditor, ValueType, multi_sz, sz
from bootmend.rules import all_rules
from bootmend.windows.discovery import find_windows
from bootmend.windows.image import Image
from bootmend.windows.installation import Windows

SET = "ControlSet001"
DISK_DRIVE = "{4d36e967-e325-11ce-bfc1-08002be10318}"
HDC = "{4d36e96a-e325-11ce-bfc1-08002be10318}"
SCSI_ADAPTER = "{4d36e97b-e325-11ce-bfc1-08002be10318}"
SYSTEM_DEVICE = "{4d36e97d-e325-11ce-bfc1-08002be10318}"


@contextmanager
def windows_of(odd: Strange) -> Iterator[Windows]:
    image = Image(odd.disk)
    try:
        windows, *_ = find_windows(image, odd.given)
        yield windows
    finally:
        image.close()


def ask(odd: Strange, rule: str) -> list[Finding]:
    """What that rule alone says of the machine."""
    with windows_of(odd) as windows:
        return list(all_rules()[rule].check(windows))


def said(odd: Strange, rule: str) -> list[tuple[str, str]]:
    """(subject in lower case, severity) of each finding of that rule."""
    return [(one.subject.lower(), one.severity.value) for one in ask(odd, rule)]


@contextmanager
def after(change: object, generation: int = 2) -> Iterator[Strange]:
    """A healthy machine whose SYSTEM hive was changed by `change(editor)`."""
    assert callable(change)
    with strange(generation) as odd:
        odd.hive(change)
        yield odd


def number(editor: HiveEditor, key: str, name: str, value: int) -> None:
    editor.create_key(key)
    editor.set_value(key, name, ValueType.DWORD, struct.pack("<I", value))


def text(editor: HiveEditor, key: str, name: str, value: str) -> None:
    editor.create_key(key)
    editor.set_value(key, name, ValueType.SZ, sz(value))


def strings(editor: HiveEditor, key: str, name: str, *values: str) -> None:
    editor.create_key(key)
    editor.set_value(key, name, ValueType.MULTI_SZ, multi_sz(list(values)))


def device(editor: HiveEditor, path: str, service: str, kind: str, prefix: str = "") -> str:
    """A device below Enum; its key."""
    key = f"{SET}\\Enum\\{path}"
    text(editor, key, "Service", service)
    text(editor, key, "ClassGUID", kind)
    if prefix:
        text(editor, key, "ParentIdPrefix", prefix)
    return key


def other_hardware(editor: HiveEditor) -> None:
    """No trace of Hyper-V: a machine whose devices are written by the test."""
    editor.delete_key(f"{SET}\\Enum")
    editor.create_key(f"{SET}\\Enum")
    editor.delete_key(f"{SET}\\Control\\SystemInformation")


def physical(editor: HiveEditor, driver: str = "storahci", disk: str = "4&8f5d389&0&000000") -> None:
    """A disk at an adapter of a PCI bus, as a PC has it."""
    other_hardware(editor)
    device(editor, "ACPI_HAL\\PNP0C08\\0", "ACPI", SYSTEM_DEVICE, "2&daba3ff&1")
    device(editor, "ACPI\\PNP0A08\\2&daba3ff&1", "pci", SYSTEM_DEVICE, "3&267a616a&2")
    device(editor, "PCI\\VEN_8086&DEV_2829\\3&267a616a&2&68", driver, SCSI_ADAPTER, "4&8f5d389&0")
    device(editor, f"SCSI\\Disk&Ven_ATA&Prod_DISK\\{disk}", "disk", DISK_DRIVE)
