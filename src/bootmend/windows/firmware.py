"""Which firmware a disk is made for, and the partition it starts from: decided here, once, with what told it.

    GPT                 UEFI. Windows starts from a GPT disk through UEFI alone ("Windows and GPT FAQ", Microsoft).
    MBR                 BIOS, from the active partition; UEFI where only UEFI's boot files stand on it.
    no table            a volume attached alone: what starts it stands elsewhere.

A Windows folder says nothing of it: winload.exe and winload.efi both stand in every one. Where the boot
files of both kinds stand on an MBR disk (a stick made for both), nothing is decided.
"""

from __future__ import annotations

import ntpath
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace

from bootmend.errors import InputError
from bootmend.findings import Evidence
from bootmend.texts import say
from bootmend.volumes.tables.partition import ESP, MBR_ESP, Partition
from bootmend.volumes.volume import Volume
from bootmend.windows.image import Image

UEFI, BIOS = "uefi", "bios"
UEFI_STORE, BIOS_STORE = "\\EFI\\Microsoft\\Boot\\BCD", "\\Boot\\BCD"
UEFI_MANAGER, BIOS_MANAGER = "\\EFI\\Microsoft\\Boot\\bootmgfw.efi", "\\bootmgr"
UEFI_FALLBACKS = ("\\EFI\\Boot\\bootx64.efi", "\\EFI\\Boot\\bootaa64.efi", "\\EFI\\Boot\\bootia32.efi")
"""What UEFI starts from a disk that it has no entry for."""

_PRIMARY = 4
"""Partitions with higher numbers are logical ones, which a BIOS does not start."""
STORES = {UEFI: UEFI_STORE, BIOS: BIOS_STORE}
MANAGERS = {UEFI: UEFI_MANAGER, BIOS: BIOS_MANAGER}


@dataclass(frozen=True, slots=True)
class StartPlace:
    """Where the firmware begins on this disk."""

    firmware: str | None
    """uefi or bios; None where the disk does not tell."""
    told_by: tuple[Evidence, ...]
    partitions: tuple[int, ...]
    """What this firmware looks at: EFI system partitions, or active ones, in the table's order."""
    volume: int | None
    """Of those, the one that Windows' boot files stand on, or the only one; None where there is none to read. Where
    there are none of those: the one partition with Windows' boot files that is not marked as it should be."""

    @property
    def store_path(self) -> str:
        """Where the boot manager looks for its store on `volume`; empty where the firmware is not known."""
        return STORES.get(self.firmware or "", "")

    @property
    def manager_path(self) -> str:
        return MANAGERS.get(self.firmware or "", "")


def is_system_partition(partition: Partition) -> bool:
    """Whether its type is that of an EFI system partition, on a GPT or an MBR."""
    return partition.type_id.lower() in (ESP, MBR_ESP)


def find_start(image: Image, sound: Iterable[int], broken: Iterable[int]) -> StartPlace:
    """`sound` and `broken`: partitions on which a boot store stands that reads, and that does not."""
    table = image.table
    esps = [one.number for one in image.partitions if is_system_partition(one)]
    if table.kind == "gpt":
        told = Evidence(image.device.name, say("rules_boot.told_gpt"))
        if not esps:
            # Windows' boot files on a partition of another type; rules/system_partition_missing.py says so.
            unmarked = [one.number for one in image.partitions if _holds(image, one.number, (UEFI_STORE, UEFI_MANAGER))]
            return replace(_place(image, UEFI, told, unmarked, sound, broken), partitions=())
        return _place(image, UEFI, told, esps, sound, broken)
    if table.kind != "mbr":
        return StartPlace(None, (Evidence(image.device.name, say("rules_boot.told_bare")),), (), None)
    uefi = [one.number for one in image.partitions if _holds(image, one.number, (UEFI_STORE, UEFI_MANAGER))]
    bios = [one.number for one in image.partitions if _holds(image, one.number, (BIOS_STORE, BIOS_MANAGER))]
    active = [one.number for one in image.partitions if one.active]
    if uefi and not bios:
        told = Evidence(f"volume {uefi[0]}:\\EFI\\Microsoft\\Boot", say("rules_boot.told_uefi_files"))
        return _place(image, UEFI, told, uefi, sound, broken)
    if uefi and bios:
        told = Evidence(image.device.name, say("rules_boot.told_both"))
        return StartPlace(None, (told,), tuple(active), None)
    told = Evidence(image.device.name, say("rules_boot.told_mbr"))
    # The code of the MBR takes the first partition that is marked active, whatever stands on it. Where Windows'
    # boot files stand on just one other, that is the one it is to take; rules/partition_table.py says so.
    primary = [number for number in bios if number <= _PRIMARY]
    misplaced = len(primary) == 1 and primary[0] not in active[:1] and not set(active[:1]) & set(bios)
    place = _place(image, BIOS, told, primary if misplaced else active[:1], sound, broken)
    return replace(place, partitions=tuple(active))


def _place(
    image: Image, firmware: str, told: Evidence, partitions: list[int], sound: Iterable[int], broken: Iterable[int]
) -> StartPlace:
    readable = [number for number in partitions if isinstance(image.content(number), Volume)]
    manager = [number for number in readable if _holds(image, number, (MANAGERS[firmware],))]
    folder = [number for number in readable if _holds(image, number, (ntpath.dirname(STORES[firmware]),))]
    ordered = [*(n for n in sound if n in readable), *(n for n in broken if n in readable), *manager, *folder]
    chosen = ordered[0] if ordered else readable[0] if len(readable) == 1 else None
    return StartPlace(firmware, (told,), tuple(partitions), chosen)


def _holds(image: Image, number: int, paths: Iterable[str]) -> bool:
    content = image.content(number)
    if isinstance(content, Volume):
        for path in paths:
            with suppress(InputError):
                if content.exists(path):
                    return True
    return False
