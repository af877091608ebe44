"""Where things stand on one machine: the map for those who mean to damage it.

Checksums and fixups are made right again after the damage wherever a reader would stop at them: the
point is to get past the first gate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bootmend.disk.device import BlockDevice, Window
from bootmend.disk.overlay import Overlay
from bootmend.volumes.fat import FatVolume
from bootmend.volumes.ntfs.boot import read_boot
from bootmend.volumes.ntfs.mft import NUMBER, Mft
from bootmend.volumes.ntfs.volume import NtfsVolume
from bootmend.volumes.partitions import read_partitions
from bootmend.volumes.volume import NotInPlace, Volume

Strike = list[tuple[int, bytes]]
"""(offset on the disk, what is to stand there)."""

FOLDERS = (
    "\\",
    "\\Windows",
    "\\Windows\\System32",
    "\\Windows\\System32\\config",
    "\\Windows\\System32\\drivers",
    "\\Windows\\System32\\CatRoot",
    "\\Windows\\System32\\CatRoot\\{F750E6C3-38EE-11D1-85E5-00C04FC295EE}",
    "\\Windows\\System32\\DriverStore\\FileRepository",
    "\\Windows\\WinSxS",
    "\\Windows\\WinSxS\\Backup",
    "\\Windows\\servicing\\Packages",
    "\\Boot",
)
HIVES = ("SYSTEM", "SYSTEM.LOG1", "SYSTEM.LOG2", "SOFTWARE")
CONFIG = "\\Windows\\System32\\config"


@dataclass(frozen=True)
class Part:
    """One volume of the disk, opened for looking things up; offsets of its device plus `start` are the disk's."""

    start: int
    volume: Volume
    device: BlockDevice


class Terrain:
    """Where things stand on one machine; `device` may be an overlay that holds a fault already."""

    def __init__(self, device: BlockDevice) -> None:
        self.device = device
        self.parts: list[Part] = []
        for partition in read_partitions(device).partitions:
            window = Window(device, partition.start, partition.size)
            head = window.read(0, 512)
            if head[3:11] == b"NTFS    ":
                self.parts.append(Part(partition.start, NtfsVolume(window), window))
            elif head[510:512] == b"\x55\xaa":
                self.parts.append(Part(partition.start, FatVolume(window), window))
        self.windows = next(part for part in self.parts if part.volume.exists("\\Windows"))
        self.system = next(part for part in self.parts if part.volume.exists(store_path(part)))
        self.mft = Mft(self.windows.device, read_boot(self.windows.device, ""), "")
        self.drivers = self._list("\\Windows\\System32\\drivers", ".sys")
        self.catalogs = [path for folder in FOLDERS for path in self._list(folder, ".cat")]

    def _list(self, folder: str, suffix: str) -> list[str]:
        volume = self.windows.volume
        if not volume.exists(folder):
            return []
        return [f"{folder}\\{one.name}" for one in volume.listdir(folder) if one.name.lower().endswith(suffix)]

    def number(self, path: str) -> int:
        return self.windows.volume.stat(path).file_id & NUMBER

    def rewrite(self, part: Part, path: str, change: Callable[[bytearray], object]) -> Strike:
        """A file's bytes after `change`, which keeps their number, on the clusters it owns."""
        old = part.volume.read(path)
        new = bytearray(old)
        change(new)
        if len(new) != len(old):
            raise AssertionError("a change that moves bytes")
        with Overlay(part.device) as scratch:
            volume = NtfsVolume(scratch) if isinstance(part.volume, NtfsVolume) else FatVolume(scratch)
            try:
                volume.write_in_place(path, 0, bytes(new))
            except NotInPlace:
                return []
            return [(part.start + patch.offset, patch.after) for patch in scratch.patches()]

    def raw(self, part: Part, offset: int, length: int, change: Callable[[bytearray], object]) -> Strike:
        new = bytearray(part.device.read(offset, length))
        change(new)
        return [(part.start + offset, bytes(new))]


def store_path(part: Part) -> str:
    return "\\EFI\\Microsoft\\Boot\\BCD" if isinstance(part.volume, FatVolume) else "\\Boot\\BCD"
