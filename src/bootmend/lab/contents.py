"""What stands on the two volumes of a machine."""

from __future__ import annotations

import ntpath
from collections.abc import Iterable, Mapping

from bootmend.lab import texts
from bootmend.lab.blueprint import Blueprint
from bootmend.lab.catalog_plan import CatalogFile
from bootmend.lab.inf import inf_text
from bootmend.lab.logs import log_files
from bootmend.lab.material import Made
from bootmend.lab.store import store_path
from bootmend.lab.tree import Tree

CATROOT = "\\Windows\\System32\\CatRoot\\{F750E6C3-38EE-11D1-85E5-00C04FC295EE}"
SERVICING = "\\Windows\\servicing\\Packages"
CONFIG = "\\Windows\\System32\\config"

_LOG_SIZE = 65536
_FROM_BOOT_FOLDER = {
    1: {
        "\\bootmgr": "PCAT\\bootmgr",
        "\\BOOTNXT": "PCAT\\bootnxt",
        "\\Boot\\memtest.exe": "PCAT\\memtest.exe",
        "\\Boot\\bootuwf.dll": "PCAT\\bootuwf.dll",
        "\\Boot\\en-US\\bootmgr.exe.mui": "PCAT\\en-US\\bootmgr.exe.mui",
        "\\Boot\\Fonts\\segmono_boot.ttf": "Fonts\\segmono_boot.ttf",
    },
    2: {
        "\\EFI\\Boot\\bootx64.efi": "EFI\\bootmgfw.efi",
        "\\EFI\\Microsoft\\Boot\\bootmgfw.efi": "EFI\\bootmgfw.efi",
        "\\EFI\\Microsoft\\Boot\\bootmgr.efi": "EFI\\bootmgr.efi",
        "\\EFI\\Microsoft\\Boot\\memtest.efi": "EFI\\memtest.efi",
        "\\EFI\\Microsoft\\Boot\\boot.stl": "EFI\\boot.stl",
        "\\EFI\\Microsoft\\Boot\\winsipolicy.p7b": "EFI\\winsipolicy.p7b",
        "\\EFI\\Microsoft\\Boot\\en-US\\bootmgfw.efi.mui": "EFI\\en-US\\bootmgfw.efi.mui",
        "\\EFI\\Microsoft\\Boot\\Fonts\\segmono_boot.ttf": "Fonts\\segmono_boot.ttf",
    },
}
"""Where bcdboot copies what stands in \\Windows\\Boot, by generation."""


def windows_tree(
    blueprint: Blueprint,
    made: Iterable[Made],
    catalogs: Iterable[CatalogFile],
    hives: Mapping[str, bytes],
    template: bytes,
    arch: str,
) -> Tree:
    """The Windows volume. `hives` are files of config by name, `template` is the content of BCD-Template."""
    tree = Tree()
    for row in texts.rows("folders"):
        tree.folder(row[0])
    for path, size in texts.rows("data_files"):
        tree.file(path, blueprint.random(path).randbytes(int(size)))
    for name, data in hives.items():
        tree.file(f"{CONFIG}\\{name}", data)
        for log in ("LOG1", "LOG2"):
            if f"{name}.{log}" not in hives and not name.upper().endswith((".LOG", ".LOG1", ".LOG2")):
                tree.file(f"{CONFIG}\\{name}.{log}", bytes(_LOG_SIZE), hidden=True)
    tree.file(f"{CONFIG}\\BCD-Template", template)
    for path, data in log_files(blueprint):
        tree.file(path, data)
    for file in made:
        _put_binary(tree, file, arch)
    for catalog in catalogs:
        _put_catalog(tree, catalog)
    return tree


def system_tree(generation: int, windows: Tree, store: bytes, recovery_store: bytes) -> Tree:
    """The volume that the firmware starts from: boot files out of \\Windows\\Boot, and the BCD store.

    On an EFI system partition the recovery environment has a store of its own, which nothing boots from.
    """
    tree = Tree()
    for path, source in _FROM_BOOT_FOLDER[generation].items():
        tree.file(path, windows.files[f"\\windows\\boot\\{source}".lower()][1])
    path = store_path(generation)
    tree.file(path, store, hidden=generation == 1)
    for log in ("LOG", "LOG1", "LOG2"):
        tree.file(f"{path}.{log}", bytes(_LOG_SIZE) if log == "LOG" else b"", hidden=True)
    tree.file(f"{ntpath.dirname(path)}\\BOOTSTAT.DAT", bytes(65536))
    if generation == 2:
        tree.file("\\EFI\\Microsoft\\Recovery\\BCD", recovery_store)
    return tree


def _put_binary(tree: Tree, file: Made, arch: str) -> None:
    placed = file.placed
    tree.file(placed.binary.path, file.data)
    for path in placed.links:
        tree.link(path, placed.binary.path)
    for path in placed.spares:
        tree.file(path, file.data)
    if placed.outdated:
        tree.file(placed.outdated, file.outdated)
    if placed.driver_package:
        inf = ntpath.basename(placed.driver_package).split("_", 1)[0]
        tree.file(f"{placed.driver_package}\\{inf}", inf_text(placed.binary, arch, placed.version))


def _put_catalog(tree: Tree, catalog: CatalogFile) -> None:
    tree.file(f"{CATROOT}\\{catalog.name}", catalog.data)
    if catalog.staged:
        stem = catalog.name.removesuffix(".cat")
        tree.file(f"{SERVICING}\\{catalog.name}", catalog.data)
        tree.file(f"{SERVICING}\\{stem}.mum", _manifest(stem))
    else:
        package = ntpath.basename(catalog.driver_package).split(".inf", 1)[0]
        tree.file(f"{catalog.driver_package}\\{package}.cat", catalog.data)


def _manifest(package: str) -> bytes:
    """The .mum of a servicing package: who it is, and nothing that it would install."""
    name, token, arch, _, version = package.split("~")
    return (
        '\ufeff<?xml version="1.0" encoding="utf-8" standalone="yes"?>\r\n'
        '<assembly xmlns="urn:schemas-microsoft-com:asm.v3" manifestVersion="1.0">\r\n'
        f'  <assemblyIdentity name="{name}" version="{version}" processorArchitecture="{arch}" language="neutral" '
        f'buildType="release" publicKeyToken="{token}" />\r\n'
        f'  <package identifier="{name}" releaseType="Feature Pack" />\r\n'
        "</assembly>\r\n"
    ).encode()
