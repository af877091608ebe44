"""A lab machine opened for writing: what a fault works on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from types import TracebackType
from typing import Self

from bootmend.disk.device import BlockDevice, Window
from bootmend.errors import Misuse
from bootmend.formats.hive import Hive
from bootmend.lab.contents import CONFIG
from bootmend.lab.manifest import BinaryFacts, Manifest
from bootmend.lab.real_hive import current_control_set
from bootmend.texts import say
from bootmend.volumes.ntfs import NtfsVolume
from bootmend.volumes.partitions import read_partitions


class OpenMachine:
    """The Windows volume and what the manifest knows of it. `device` may be an overlay: nothing else is written."""

    def __init__(self, device: BlockDevice, manifest: Manifest) -> None:
        self.device = device
        self.manifest = manifest
        self._windows: NtfsVolume | None = None

    @cached_property
    def windows_partition(self) -> Window:
        """The Windows volume's bytes."""
        for partition in read_partitions(self.device).partitions:
            if partition.number == self.manifest.windows_partition:
                return Window(self.device, partition.start, partition.size)
        raise Misuse(f"{self.device.name}: there is no partition {self.manifest.windows_partition}")

    @property
    def windows(self) -> NtfsVolume:
        """The Windows volume as files, open for writing."""
        if self._windows is None:
            self._windows = NtfsVolume(self.windows_partition, "Windows", writable=True)
        return self._windows

    @cached_property
    def control_set(self) -> str:
        """Name of the control set that Windows boots with."""
        return current_control_set(Hive.parse(self.windows.read(f"{CONFIG}\\SYSTEM"), "SYSTEM")).name

    def address(self, path: str) -> str:
        return f"{self.manifest.windows_partition}:{path}"

    def victim(self, fault: str, suits: Callable[[BinaryFacts], bool], why: str) -> BinaryFacts:
        """The driver that stops the boot most surely, of those that suit.

        FileCrypt before its equals: it is the one that the well-known support article is about. Raises
        Misuse, with `why`, where none suits.
        """
        suiting = self.critical(suits)
        if not suiting:
            raise Misuse(say("lab.no_victim", name=fault, why=why))
        return min(suiting, key=lambda binary: (binary.name.lower() != "filecrypt.sys", -(binary.start or 0)))

    def critical(self, suits: Callable[[BinaryFacts], bool]) -> list[BinaryFacts]:
        """Drivers loaded at boot that suit, of the highest ErrorControl among them, in load order."""
        found = [binary for binary in self.manifest.binaries if binary.loads_at_boot and suits(binary)]
        highest = max((binary.error_control or 0 for binary in found), default=0)
        severe = [binary for binary in found if (binary.error_control or 0) == highest]
        return sorted(severe, key=lambda binary: binary.rank or 0)

    def damage(self, paths: Iterable[str]) -> None:
        """Other bytes in the code of each file, on the clusters it owns: metadata stays as it is."""
        for path in paths:
            size = self.windows.stat(path).size
            offset = min(0x600, size // 2)
            length = min(64, size - offset)
            before = self.windows.open(path).read(offset, length)
            self.windows.write_in_place(path, offset, bytes(byte ^ 0xA5 for byte in before))

    def close(self) -> None:
        if self._windows is not None:
            self._windows.close()
            self._windows = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self.close()
