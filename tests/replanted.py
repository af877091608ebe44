"""A lab machine's files on volumes of other geometry: sectors, clusters, file records, fragments, compression.

with replanted(folder, Ground(sector=4096, cluster=4096)) as odd: ...

The whole machine is planted anew on a disk of its own: GPT, EFI system partition and Windows, all of
that sector size, with the GUIDs that the boot store names.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from lab_machines import base, trust
from strange_machines import Strange

from bootmend.disk.container import open_disk
from bootmend.disk.device import BlockDevice, Window
from bootmend.disk.overlay import Overlay
from bootmend.lab.tree import Tree, write_ntfs, write_volume
from bootmend.volumes.fat import FatVolume
from bootmend.volumes.ntfs import NtfsVolume
from bootmend.volumes.ntfs.boot import SECTOR
from bootmend.volumes.partitions import Partition, read_partitions
from bootmend.volumes.tables.write import write_gpt
from bootmend.volumes.volume import Volume

MIB = 1 << 20
_BITMAP = 6


@dataclass(frozen=True)
class Ground:
    """How the Windows volume is made."""

    sector: int = 512
    """Of the disk, its tables and both volumes, in bytes."""
    cluster: int = 4096
    large_records: bool = False
    """File records of 4096 bytes on sectors of 512, as `format /L` makes them."""
    scattered: bool = False
    """Never more than four free clusters side by side: a fragment every 16 KiB, of the $MFT too."""
    compressed: bool = False
    """Every file LZNT1-compressed, as `compact /c` leaves them."""


@cache
def tree_of(number: int) -> Tree:
    """All files of a volume of the healthy generation 2 machine."""
    machine = base(2)
    with open_disk(str(machine.path)) as disk:
        place = next(p for p in read_partitions(disk).partitions if p.number == number)
        window = Window(disk, place.start, place.size)
        files: Volume = FatVolume(window, "ESP") if number == machine.manifest.system_partition else NtfsVolume(window)
        tree = Tree()
        _gather(files, "", tree, {})
        files.close()
    return tree


def _gather(files: Volume, folder: str, tree: Tree, seen: dict[int, str]) -> None:
    for entry in files.listdir(folder or "\\"):
        path = f"{folder}\\{entry.name}"
        if entry.directory:
            tree.folder(path)
            _gather(files, path, tree, seen)
        elif entry.file_id in seen and files.kind == "ntfs":
            tree.link(path, seen[entry.file_id])
        else:
            tree.file(path, files.read(path))
            seen[entry.file_id] = path


@contextmanager
def replanted(folder: Path, ground: Ground) -> Iterator[Strange]:
    """A healthy machine on a writable overlay; the disk's file is in `folder`."""
    manifest = base(2).manifest
    with open_disk(str(base(2).path)) as disk:
        table = read_partitions(disk)
    size = 24 << 30 if ground.cluster > MIB else 8 << 30
    esp, windows = (_of(table.partitions, number) for number in (manifest.system_partition, manifest.windows_partition))
    start = windows.start
    planted = [
        Partition(esp.number, esp.start, esp.size, esp.type_id, esp.guid, esp.name),
        Partition(windows.number, start, size - start - 2 * MIB, windows.type_id, windows.guid, windows.name),
    ]
    path = folder / "replanted.raw"
    with path.open("wb") as file:
        file.truncate(size)
    assert table.disk_guid is not None
    with open_disk(str(path), writable=True) as disk:
        write_gpt(disk, table.disk_guid, planted, ground.sector)
        system, root = (Window(disk, one.start, one.size) for one in planted)
        _make(folder, system, ["mkfs.vfat", "-F", "32", "-s", "1", "-S", str(ground.sector)])
        _make_ntfs(folder, root, ground)
        with FatVolume(system, "ESP") as files:
            write_volume(tree_of(esp.number), files)
        taken = _scatter(root, True) if ground.scattered else b""
        write_ntfs(tree_of(windows.number), root, "Windows")
        if taken:
            _scatter(root, False, taken)
    with open_disk(str(path)) as disk:
        yield Strange(Overlay(disk), trust(base(2)), windows.number, manifest)
    path.unlink()


def _of(partitions: list[Partition], number: int) -> Partition:
    return next(one for one in partitions if one.number == number)


def _make_ntfs(folder: Path, window: Window, ground: Ground) -> None:
    sector = 4096 if ground.large_records else ground.sector
    options = ["-Q", "-F", "-q", "-s", str(sector), "-c", str(max(ground.cluster, sector)), "-L", "Windows"]
    options += ["-p", str(window.start // sector), "-H", "255", "-S", "63", *(["-C"] if ground.compressed else [])]
    _make(folder, window, ["mkntfs", *options])
    if ground.large_records:  # mkntfs gives large records to large sectors only: the same volume in sectors of 512
        boot = bytearray(window.read(0, SECTOR))
        boot[0x0B:0x0D] = SECTOR.to_bytes(2, "little")
        boot[0x0D] *= sector // SECTOR
        boot[0x28:0x30] = (int.from_bytes(boot[0x28:0x30], "little") * (sector // SECTOR)).to_bytes(8, "little")
        window.write(0, bytes(boot))
        window.write(window.size - SECTOR, bytes(boot))


def _make(folder: Path, window: Window, command: list[str]) -> None:
    program = shutil.which(command[0], path="/usr/sbin:/sbin:/usr/bin:/bin")
    if program is None:
        pytest.skip(f"{command[0]} is not installed")
    path = folder / "volume"
    with path.open("wb") as file:
        file.truncate(window.size)
    subprocess.run([program, *command[1:], str(path)], check=True, capture_output=True)
    with open_disk(str(path)) as made:
        for low, high in made.data_extents():
            window.write(low, made.read(low, high - low))
    path.unlink()


def _scatter(device: BlockDevice, taken: bool, ours: bytes = b"") -> bytes:
    """Marks four in eight free clusters as taken, and gives the marks; or takes those away again."""
    with NtfsVolume(device, "C:") as volume:
        stream = volume._system_stream(_BITMAP)
    bits = int.from_bytes(stream.read(0, stream.size), "little")
    if taken:
        marks = ~bits & int.from_bytes(b"\xf0" * stream.size, "little")
        stream.write(0, (bits | marks).to_bytes(stream.size, "little"))
        return marks.to_bytes(stream.size, "little")
    stream.write(0, (bits & ~int.from_bytes(ours, "little")).to_bytes(stream.size, "little"))
    return b""
