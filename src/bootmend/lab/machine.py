"""A phony Windows machine on a disk file, grown from text.

blueprint -> layout ──────────────────────────────┐
   │         roster -> placement -> material ─┐   │
   │                    catalog_plan ─────────┼─ trees -> formatted volumes -> faults
   └──────── hives, store ────────────────────┘
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

from bootmend.disk.container import open_disk
from bootmend.disk.device import BlockDevice, Window
from bootmend.errors import InputError, Misuse
from bootmend.lab.authority import LabAuthority
from bootmend.lab.blueprint import Blueprint, read_blueprint
from bootmend.lab.catalog_plan import make_catalogs
from bootmend.lab.contents import system_tree, windows_tree
from bootmend.lab.disk_file import Container, make_disk_file
from bootmend.lab.faults import HEALTHY, apply_fault, parse_faults
from bootmend.lab.formatting import format_fat32, format_ntfs
from bootmend.lab.layout import GIB, Layout, lay_out
from bootmend.lab.manifest import Manifest, binary_facts, load_manifest
from bootmend.lab.material import make_binary
from bootmend.lab.other_hives import grow_small_hives, grow_software_hive
from bootmend.lab.placement import place
from bootmend.lab.real_hive import RealHive, load_order, read_real_hive
from bootmend.lab.roster import roster
from bootmend.lab.store import boot_store, on_one_partition, other_store, store_path
from bootmend.lab.system_hive import grow_system_hive
from bootmend.lab.tree import Tree, write_ntfs, write_volume
from bootmend.texts import say
from bootmend.volumes.fat import FatVolume

DEFAULT_SIZE = 127 * GIB
"""What Azure and Hyper-V give a machine that asks for nothing else."""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class LabMachine:
    """A disk, the root that its signatures end in (beside it, as PEM), and what was done to it."""

    path: Path
    pem: Path
    truth: dict[str, Any]
    """`faults`: for each fault applied, what `apply_fault` says it did."""

    @cached_property
    def manifest(self) -> Manifest:
        return load_manifest(_beside(self.path, ".json"))[0]

    @classmethod
    def load(cls, path: Path) -> LabMachine:
        """A machine that `create` made earlier."""
        return cls(path, _beside(path, ".pem"), {"faults": load_manifest(_beside(path, ".json"))[1]})


def create(
    out: Path,
    *,
    fault: Sequence[str] = (HEALTHY,),
    generation: int = 2,
    size: int = DEFAULT_SIZE,
    container: Container = "vhd",
    system_hive: Path | None = None,
    bcd: Path | None = None,
    catalogs: int = 3000,
    seed: int = 1,
    build: str | None = None,
    authority: LabAuthority | None = None,
    progress: Progress = lambda _: None,
) -> LabMachine:
    """Grows a machine into the new files OUT, OUT.pem and OUT.json.

    `fault` names may be joined with "+". `system_hive` and `bcd` are real ones to grow the machine
    around. Raises Misuse for what does not make sense, InputError for what is missing or unreadable.
    """
    if container not in get_args(Container):
        raise Misuse(say("lab.unknown_container", container=container))
    faults = parse_faults(fault)
    blueprint = read_blueprint(build, seed)
    real_store = _read(bcd) if bcd is not None else None
    layout = lay_out(blueprint, generation, size, one_partition=real_store is not None and on_one_partition(real_store))
    authority = authority or LabAuthority.load_or_create(_cache_folder())
    hive = read_real_hive(system_hive, blueprint, layout) if system_hive is not None else None
    store = boot_store(blueprint, layout, real_store)

    pem, notes = _beside(out, ".pem"), _beside(out, ".json")
    for path in (out, pem, notes):
        if path.exists():
            raise InputError(say("lab.exists", path=path))
    pem.write_bytes(authority.root_pem)
    try:
        make_disk_file(out, size, container, blueprint.guid("disk file"))
        progress(say("lab.formatting"))
        manifest = _grow(out, blueprint, layout, authority, hive, store, catalogs, progress)
        truths = []
        with open_disk(str(out), writable=True) as device:
            for one in faults:
                progress(say("lab.breaking", fault=one.name))
                truths.append(apply_fault(device, one.name, manifest))
        manifest.save(notes, truths)
    except BaseException:
        for path in (out, pem, notes):
            path.unlink(missing_ok=True)
        raise
    return LabMachine(out, pem, {"faults": truths})


def _grow(
    out: Path,
    blueprint: Blueprint,
    layout: Layout,
    authority: LabAuthority,
    hive: RealHive | None,
    store: bytes,
    catalogs: int,
    progress: Progress,
) -> Manifest:
    """The healthy machine."""
    with open_disk(str(out), writable=True) as device:
        layout.write(device)
    serial = blueprint.random("serial").getrandbits(64)
    if layout.generation == 1 and layout.system is not layout.windows:
        format_ntfs(out, layout.system, "System Reserved", serial ^ 1)
    elif layout.generation == 2:
        format_fat32(out, layout.system, "SYSTEM", serial & 0xFFFFFFFF)
    format_ntfs(out, layout.windows, "Windows", serial)

    progress(say("lab.making_files"))
    bits = hive.bits if hive is not None else 64
    arch = "amd64" if bits == 64 else "x86"
    services = hive.services if hive is not None else None
    made = [make_binary(blueprint, authority, place(blueprint, one, arch), bits) for one in roster(blueprint, services)]
    vouching = list(make_catalogs(blueprint, authority, made, arch, catalogs))
    packages = [catalog.name.removesuffix(".cat") for catalog in vouching if catalog.staged]
    hives = {
        **(hive.files if hive is not None else {"SYSTEM": grow_system_hive(blueprint, layout)}),
        "SOFTWARE": grow_software_hive(blueprint, layout, packages),
        **dict(grow_small_hives()),
    }
    spare_store = other_store(blueprint, layout)
    windows = windows_tree(blueprint, made, vouching, hives, spare_store, arch)

    progress(say("lab.writing", files=len(windows.files) + len(windows.links)))
    with open_disk(str(out), writable=True) as device:
        write_ntfs(windows, _window(device, layout, layout.windows.number), f"{out.name}:Windows")
        _write_system(system_tree(layout.generation, windows, store, spare_store), device, layout)
        device.flush()
    build = blueprint.build
    return Manifest(
        generation=layout.generation,
        build=f"{build.number}.{build.revision}",
        bits=bits,
        seed=blueprint.seed,
        system_partition=layout.system.number,
        windows_partition=layout.windows.number,
        store=store_path(layout.generation),
        catalogs=len(vouching),
        binaries=binary_facts(made, vouching, load_order(hives["SYSTEM"])),
    )


def _write_system(tree: Tree, device: BlockDevice, layout: Layout) -> None:
    window = _window(device, layout, layout.system.number)
    if layout.generation == 1:
        write_ntfs(tree, window, "System Reserved")
        return
    with FatVolume(window, "EFI system partition") as volume:
        write_volume(tree, volume)


def _window(device: BlockDevice, layout: Layout, number: int) -> Window:
    partition = next(partition for partition in layout.partitions if partition.number == number)
    return Window(device, partition.start, partition.size)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(say("lab.unreadable", path=path, why=error.strerror)) from error


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _cache_folder() -> Path:
    """Where the lab's certificate authority is kept: one a user."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "bootmend" / "lab"
