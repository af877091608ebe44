"""The hives beside SYSTEM: SOFTWARE with the build and its packages, and small sound ones for the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bootmend.formats.hive import HiveEditor, ValueType, new_hive, sz
from bootmend.lab import texts
from bootmend.lab.blueprint import Blueprint
from bootmend.lab.layout import Layout
from bootmend.lab.places import places
from bootmend.lab.registry_text import Setting, apply_settings, dword, read_settings
from bootmend.lab.system_hive import INSTALLED, ROOT

_SERVICING = "Microsoft\\Windows\\CurrentVersion\\Component Based Servicing"
_STATE_INSTALLED = 0x70
_SMALL = {
    "SAM": ("SAM", ("SAM\\Domains\\Account\\Users\\Names\\Administrator", "SAM\\Domains\\Builtin\\Aliases")),
    "SECURITY": ("SECURITY", ("Cache", "Policy\\Accounts", "Policy\\Secrets", "RXACT")),
    "DEFAULT": ("S-1-5-18", ("Control Panel\\Desktop", "Environment", "Software\\Microsoft")),
    "COMPONENTS": ("COMPONENTS", ("CanonicalData\\Deployments", "DerivedData\\Components", "ServicingStackVersions")),
    "DRIVERS": ("DRIVERS", ("DriverDatabase\\DriverPackages", "DriverDatabase\\DriverInfFiles")),
}


def grow_software_hive(blueprint: Blueprint, layout: Layout, packages: Iterable[str]) -> bytes:
    """A clean SOFTWARE hive; `packages` are full names of servicing packages."""
    editor = HiveEditor(new_hive(ROOT, file_name="\\SystemRoot\\System32\\Config\\SOFTWARE"), "SOFTWARE")
    apply_settings(editor, read_settings(texts.source("software"), places(blueprint, layout)))
    apply_settings(editor, _packages(packages), f"{_SERVICING}\\Packages")
    return editor.finish(INSTALLED)


def grow_small_hives() -> Iterator[tuple[str, bytes]]:
    """Names and contents of the other files in config that are hives."""
    for name, (root, keys) in _SMALL.items():
        editor = HiveEditor(new_hive(root, file_name=f"\\SystemRoot\\System32\\Config\\{name}"), name)
        for key in keys:
            editor.create_key(key)
        yield name, editor.finish(INSTALLED)


def _packages(packages: Iterable[str]) -> Iterator[Setting]:
    for package in packages:
        yield Setting(package, "CurrentState", ValueType.DWORD, dword(_STATE_INSTALLED))
        yield Setting(package, "InstallName", ValueType.SZ, sz(f"{package}.mum"))
        yield Setting(package, "Visibility", ValueType.DWORD, dword(2))
