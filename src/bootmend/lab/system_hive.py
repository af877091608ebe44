"""The SYSTEM hive of a machine: grown from text, or a real one made to know the lab's disk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bootmend.formats.hive import HiveEditor, ValueType, multi_sz, new_hive, sz
from bootmend.lab import texts
from bootmend.lab.blueprint import Blueprint, ServiceRow
from bootmend.lab.layout import Layout
from bootmend.lab.places import mounted_device, places
from bootmend.lab.registry_text import Setting, apply_settings, dword, read_settings

INSTALLED = 133_493_184_000_000_000
"""FILETIME of 2024-01-09 12:00 UTC: when everything in the lab's hives was last written."""
ROOT = "CsiTool-CreateHive-{00000000-0000-0000-0000-000000000000}"
"""What Windows setup calls the root key of the hives it makes."""

_SET = "ControlSet001"


def grow_system_hive(blueprint: Blueprint, layout: Layout) -> bytes:
    """A clean hive with one control set: services, devices, groups, classes, what Windows needs to start."""
    names = places(blueprint, layout)
    editor = HiveEditor(new_hive(ROOT, file_name="\\SystemRoot\\System32\\Config\\SYSTEM"), "SYSTEM")
    apply_settings(editor, read_settings(texts.source("system"), names))
    apply_settings(editor, read_settings(texts.source("control"), names), _SET)
    for row in blueprint.services:
        apply_settings(editor, _service(row), f"{_SET}\\Services")
    apply_settings(editor, read_settings(texts.source("parameters"), names), f"{_SET}\\Services")
    apply_settings(editor, _devices(names), f"{_SET}\\Enum")
    apply_settings(editor, mounted_devices(blueprint, layout))
    return editor.finish(INSTALLED)


def mounted_devices(blueprint: Blueprint, layout: Layout) -> Iterator[Setting]:
    """That C: is the Windows partition of the lab's disk."""
    data = mounted_device(layout)
    for name in ("\\DosDevices\\C:", f"\\??\\Volume{{{blueprint.guid('Windows volume')}}}"):
        yield Setting("MountedDevices", name, ValueType.BINARY, data)


def _service(row: ServiceRow) -> Iterator[Setting]:
    key = row.name
    yield Setting(key)
    if row.type is None:
        return
    hosted = "svchost" in row.image.lower()
    for name, number in (
        ("Type", row.type),
        ("Start", row.start),
        ("ErrorControl", row.error_control),
        ("Tag", row.tag),
    ):
        if number is not None:
            yield Setting(key, name, ValueType.DWORD, dword(number))
    if row.group:
        yield Setting(key, "Group", ValueType.SZ, sz(row.group))
    if row.image:
        yield Setting(key, "ImagePath", ValueType.EXPAND_SZ, sz(row.image))
    yield Setting(key, "DisplayName", ValueType.SZ, sz(row.name))
    if row.type in (16, 32):
        yield Setting(key, "ObjectName", ValueType.SZ, sz("LocalSystem"))
        yield Setting(key, "DependOnService", ValueType.MULTI_SZ, multi_sz(["RpcSs"]))
    if hosted:
        library = f"%SystemRoot%\\System32\\{row.name.lower()}.dll"
        yield Setting(f"{key}\\Parameters", "ServiceDll", ValueType.EXPAND_SZ, sz(library))


def _devices(names: Mapping[str, str]) -> Iterator[Setting]:
    for instance, service, kind, guid, words in texts.rows("devices"):
        key = instance.replace("${windows_volume_guid}", names["windows_volume_guid"])
        hardware, _, _ = key.rpartition("\\")
        for name, value in (("Service", service), ("Class", kind), ("ClassGUID", guid), ("DeviceDesc", words)):
            if value:
                yield Setting(key, name, ValueType.SZ, sz(value))
        yield Setting(key, "HardwareID", ValueType.MULTI_SZ, multi_sz([hardware]))
        yield Setting(key, "ConfigFlags", ValueType.DWORD, dword(0))
