"""A lab machine opened for writing: what a fault works on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from types import TracebackType
from typing import Self

from bootmend.disk.device import BlockDevice, Window
from bootmend.errors import InputError, Misuse
from bootmend.formats.bcd import StoreEditor
from bootmend.formats.hive import Hive, HiveEditor
from bootmend.formats.pe import Pe
from bootmend.lab.contents import CATROOT, CONFIG
from bootmend.lab.event_log import LabEvent, add_events
from bootmend.lab.logs import COMPUTER, LOGS
from bootmend.lab.manifest import BinaryFacts, Manifest
from bootmend.lab.real_hive import current_control_set
from bootmend.signing.hashing import image_hashes
from bootmend.texts import say
from bootmend.volumes.detect import open_volume
from bootmend.volumes.ntfs import NtfsVolume
from bootmend.volumes.partitions import read_partitions
from bootmend.volumes.volume import NotInPlace, Volume


class OpenMachine:
    """Its volumes and what the manifest knows of it. `device` may be an overlay: nothing else is written."""

    def __init__(self, device: BlockDevice, manifest: Manifest) -> None:
        self.device = device
        self.manifest = manifest
        self._windows: NtfsVolume | None = None
        self._system: Volume | None = None

    @cached_property
    def windows_partition(self) -> Window:
        """The Windows volume's bytes."""
        return self._partition(self.manifest.windows_partition)

    @cached_property
    def system_partition(self) -> Window:
        """The bytes of the volume that the firmware starts from."""
        return self._partition(self.manifest.system_partition)

    def _partition(self, number: int) -> Window:
        for partition in read_partitions(self.device).partitions:
            if partition.number == number:
                return Window(self.device, partition.start, partition.size)
        raise Misuse(f"{self.device.name}: there is no partition {number}")

    @property
    def windows(self) -> NtfsVolume:
        """The Windows volume as files, open for writing."""
        if self._windows is None:
            content = open_volume(self.windows_partition, "Windows", writable=True)
            if not isinstance(content, NtfsVolume):
                raise Misuse(f"{self.device.name}: the Windows partition holds no readable volume")
            self._windows = content
        return self._windows

    @property
    def system(self) -> Volume:
        """The volume that the firmware starts from as files, open for writing."""
        if self.manifest.system_partition == self.manifest.windows_partition:
            return self.windows
        if self._system is None:
            content = open_volume(self.system_partition, "System", writable=True)
            if not isinstance(content, Volume):
                raise Misuse(f"{self.device.name}: the system partition holds no readable volume")
            self._system = content
        return self._system

    @contextmanager
    def edit_hive(self, name: str) -> Iterator[HiveEditor]:
        """A hive of System32\\config, written back on its own clusters where it fits."""
        path = f"{CONFIG}\\{name}"
        before = self.windows.read(path)
        editor = HiveEditor(before, path)
        yield editor
        _rewrite(self.windows, path, before, editor.finish())

    @contextmanager
    def edit_store(self) -> Iterator[StoreEditor]:
        """The boot store of the system volume, written back on its own clusters where it fits."""
        before = self.system.read(self.manifest.store)
        editor = StoreEditor(before, self.manifest.store)
        yield editor
        _rewrite(self.system, self.manifest.store, before, editor.finish())

    def log(self, events: Iterable[LabEvent]) -> None:
        """Adds events to the ends of the logs that they name as their channel."""
        by_log: dict[str, list[LabEvent]] = {}
        for event in events:
            by_log.setdefault(event.channel, []).append(event)
        for channel, added in by_log.items():
            path = f"{LOGS}\\{channel}.evtx"
            before = self.windows.read(path)
            _rewrite(self.windows, path, before, add_events(before, added, COMPUTER))

    @cached_property
    def control_set(self) -> str:
        """Name of the control set that Windows boots with."""
        return current_control_set(Hive.parse(self.windows.read(f"{CONFIG}\\SYSTEM"), "SYSTEM")).name

    def address(self, path: str) -> str:
        return f"{self.manifest.windows_partition}:{path}"

    def victim(self, fault: str, suits: Callable[[BinaryFacts], bool], why: str) -> BinaryFacts:
        """The driver that stops the boot most surely, of those that suit and that no other fault has had yet.

        FileCrypt before its equals: it is the one that the well-known support article is about. Raises
        Misuse, with `why`, where none suits.
        """
        suiting = self.critical(suits)
        for binary in sorted(suiting, key=lambda one: (one.name.lower() != "filecrypt.sys", -(one.start or 0))):
            if self._is_sound(binary):
                return binary
        raise Misuse(say("lab.no_victim", name=fault, why=why))

    def _is_sound(self, binary: BinaryFacts) -> bool:
        """The file is what the lab made, and the catalogs that vouch for it are where they belong (or all are gone)."""
        store = self.windows.listdir(CATROOT) if self.windows.exists(CATROOT) else []
        if store and not all(self.windows.exists(f"{CATROOT}\\{catalog}") for catalog in binary.catalogs):
            return False
        try:
            data = self.windows.read(binary.path)
            return image_hashes(data, Pe.parse(data, binary.path)).sha256.hex() == binary.sha256
        except InputError:
            return False

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
        if self._system is not None:
            self._system.close()
            self._system = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


def _rewrite(volume: Volume, path: str, before: bytes, after: bytes) -> None:
    if len(before) == len(after):
        try:
            volume.write_in_place(path, 0, after)
            return
        except NotInPlace:
            pass
    volume.replace(path, after)
