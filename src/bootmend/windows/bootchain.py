"""From the firmware to the Windows folder: which store this machine boots from, and where it leads.

    UEFI   GPT -> EFI system partition -> \\EFI\\Microsoft\\Boot\\BCD -> default entry -> osdevice + systemroot
    BIOS   MBR -> active partition     -> \\Boot\\BCD               -> default entry -> osdevice + systemroot

`\\EFI\\Microsoft\\Recovery\\BCD` on the same partition is the recovery environment's store and never
the one that boots. A `locate` or `boot` device names no partition: generalised images hold only
those, and they are right.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

from bootmend.errors import InputError, Missing, Unequipped
from bootmend.formats.bcd.devices import (
    BootDevice,
    GptPartition,
    LocateDevice,
    MbrPartition,
    VhdPartition,
    VirtualDisk,
    partition_of,
)
from bootmend.formats.bcd.store import BcdObject, Store
from bootmend.texts import say
from bootmend.volumes.volume import Volume
from bootmend.windows.firmware import BIOS_STORE, UEFI_STORE, StartPlace, find_start, is_system_partition
from bootmend.windows.image import Image, address
from bootmend.windows.registry import LoadedHive, load_hive


@dataclass(frozen=True, slots=True)
class BrokenStore:
    """A file at a boot store's place that is none, and why."""

    volume: int
    path: str
    reason: InputError


@dataclass(slots=True)
class BootChain:
    """What this disk tells of the way the firmware takes; what it does not tell is None."""

    firmware: str | None
    """uefi or bios, by the disk; where that does not tell, by the store that was found."""
    start: StartPlace
    hive: LoadedHive | None = None
    store: Store | None = None
    entry: BcdObject | None = None
    """The default OS loader."""
    windows_volume: int | None = None
    """The partition that the entry's osdevice names, if it names one of this disk."""
    windows_path: str = "\\Windows"
    broken: list[BrokenStore] = field(default_factory=list)
    installations: list[tuple[int, str]] = field(default_factory=list)
    """Every Windows folder of the disk (volume, path), once they were looked for."""
    notes: list[str] = field(default_factory=list)

    @property
    def where(self) -> str:
        return self.hive.where if self.hive is not None else ""

    @property
    def judged(self) -> Store | None:
        """The store, if it is the one that this disk's firmware leads to; None where that is not known."""
        start = self.start
        if self.hive is None or start.firmware is None or self.hive.volume != start.volume:
            return None
        return self.store if self.hive.path.lower() == start.store_path.lower() else None

    def flag(self, name: str) -> bool:
        """A boolean setting of the default entry, its own or inherited; False where it says nothing."""
        if self.store is None or self.entry is None:
            return False
        element = self.store.setting(self.entry, name)
        return element is not None and element.value is True


def read_boot_chain(image: Image) -> BootChain:
    """The chain of the first store that reads; broken ones on the way are told in `notes`."""
    notes: list[str] = []
    broken: list[BrokenStore] = []
    for number, firmware, path in _stores(image):
        try:
            hive = load_hive(image, number, path)
            store = Store.parse(hive.recovery.data, address(number, path))
        except Missing:
            continue
        except Unequipped:
            raise
        except InputError as error:
            notes.append(str(error))
            broken.append(BrokenStore(number, path, error))
            continue
        start = find_start(image, [number], [one.volume for one in broken])
        return _follow(image, BootChain(start.firmware or firmware, start, hive, store, broken=broken, notes=notes))
    start = find_start(image, [], [one.volume for one in broken])
    if not notes:
        notes = [say("windows.no_store"), *(one.what for one in start.told_by if start.firmware is None)]
    return BootChain(start.firmware, start, broken=broken, notes=notes)


def _stores(image: Image) -> Iterator[tuple[int, str, str]]:
    """Places to look, likeliest first: (volume, firmware, path)."""
    esps, active, others = [], [], []
    for partition in image.partitions:
        content = image.content(partition.number)
        if not isinstance(content, Volume):
            continue
        if is_system_partition(partition):
            esps.append(partition.number)
        elif partition.active:
            active.append(partition.number)
        else:
            others.append(partition.number)
    yield from ((number, "uefi", UEFI_STORE) for number in esps)
    yield from ((number, "bios", BIOS_STORE) for number in active)
    # A volume attached alone, or a table without flags: the store's place still tells the firmware.
    yield from ((number, "bios", BIOS_STORE) for number in others)
    yield from ((number, "uefi", UEFI_STORE) for number in (*active, *others))


def _follow(image: Image, chain: BootChain) -> BootChain:
    """Store -> default entry -> partition and folder."""
    assert chain.store is not None
    assert chain.hive is not None
    chain.entry = chain.store.default
    if chain.entry is None:
        return chain
    root = chain.store.setting(chain.entry, "systemroot")
    if root is not None and isinstance(root.value, str) and root.value.startswith("\\"):
        chain.windows_path = root.value.rstrip("\\")
    device = chain.store.setting(chain.entry, "osdevice")
    if device is None:
        return chain
    if isinstance(device.value, VhdPartition | VirtualDisk):
        chain.notes.append(say("rules_boot.virtual_disk", device=device.value))
    elif isinstance(device.value, BootDevice):
        chain.windows_volume = chain.hive.volume
    elif isinstance(device.value, LocateDevice):
        chain.windows_volume = _located(image, chain.windows_path)
    elif not isinstance(device.value, bool | int | str | UUID | list | bytes):
        chain.windows_volume = find_partition(image, partition_of(device.value))
    return chain


def _located(image: Image, windows_path: str) -> int | None:
    """The first volume that holds the folder, as the boot manager would look for it."""
    for number, volume in image.volumes():
        with suppress(InputError):
            if volume.kind == "ntfs" and volume.exists(f"{windows_path}\\System32"):
                return number
    return None


def find_partition(image: Image, named: GptPartition | MbrPartition | None) -> int | None:
    """The number of the partition of this disk that a device element names."""
    for partition in image.partitions:
        if isinstance(named, GptPartition) and partition.guid == named.partition:
            return partition.number
        if (
            isinstance(named, MbrPartition)
            and image.table.mbr_signature == named.signature
            and partition.start == named.offset
        ):
            return partition.number
    return None
