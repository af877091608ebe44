"""The partitions of this disk as bcdedit names them: `C:`, `\\Device\\HarddiskVolume1`.

bcdedit knows the letters of the Windows that runs it. Here C: is the partition of the Windows that
boots, other letters are those that it gave its volumes, and `\\Device\\HarddiskVolumeN` is partition N.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cached_property
from uuid import UUID

from bootmend.errors import Misuse, Refused
from bootmend.formats.bcd import GptPartition, MbrPartition, Partition
from bootmend.texts import say
from bootmend.volumes.partitions import PartitionTable
from bootmend.windows.bootchain import BootChain
from bootmend.windows.image import Image

SYSTEM_DRIVE = "C:"
_LETTER = re.compile(r"[A-Za-z]:\\?")
_KERNEL_NAME = re.compile(r"\\Device\\HarddiskVolume(\d{1,4})\\?", re.IGNORECASE)


class Partitions:
    """`windows` is the number of the partition that is C:, None where that cannot be told.

    `letters` gives further ones (`D:` -> number); it is asked only when a letter other than C: occurs.
    """

    def __init__(
        self,
        table: PartitionTable,
        windows: int | None,
        letters: Callable[[], Mapping[str, int]] = dict,
        why_no_windows: str = "",
    ) -> None:
        self._table = table
        self._windows = windows
        self._letters = letters
        self._why_no_windows = why_no_windows

    def number(self, word: str) -> int:
        """The partition that `C:` or `\\Device\\HarddiskVolumeN` names. Misuse or Refused with the reason."""
        kernel_name = _KERNEL_NAME.fullmatch(word)
        if kernel_name:
            number = int(kernel_name.group(1))
            if number not in self._numbers.values():
                known = ", ".join(str(each.number) for each in self._table.partitions)
                raise Misuse(say("bcdedit.no_partition", word=word, known=known))
            return number
        if not _LETTER.fullmatch(word):
            raise Misuse(say("bcdedit.bad_partition", word=word))
        letter = word[:2].upper()
        if letter in self._letters_given:
            return self._letters_given[letter]
        if letter == SYSTEM_DRIVE and self._windows is None:
            raise Refused(self._why_no_windows, say("bcdedit.unknown_letter_next"))
        if letter == SYSTEM_DRIVE and self._windows is not None:
            return self._windows
        raise Refused(say("bcdedit.unknown_letter", word=word), say("bcdedit.unknown_letter_next"))

    def device(self, word: str) -> Partition:
        """The partition as a BCD store names it."""
        number = self.number(word)
        for device, each in self._numbers.items():
            if each == number:
                if isinstance(device, UUID):
                    return GptPartition(device, self._table.disk_guid or UUID(int=0))
                return MbrPartition(device, self._table.mbr_signature or 0)
        raise Refused(say("bcdedit.no_table", number=number))

    def name(self, device: Partition) -> str:
        """How bcdedit shows it; `unknown` where this disk has no such partition."""
        key: UUID | int = device.partition if isinstance(device, GptPartition) else device.offset
        number = self._numbers.get(key)
        if number is None or (isinstance(device, MbrPartition) and device.signature != self._table.mbr_signature):
            return "unknown"
        return SYSTEM_DRIVE if number == self._windows else f"\\Device\\HarddiskVolume{number}"

    @cached_property
    def _letters_given(self) -> Mapping[str, int]:
        return self._letters()

    @cached_property
    def _numbers(self) -> dict[UUID | int, int]:
        """Partition GUID (GPT) or byte offset (MBR) -> number."""
        found: dict[UUID | int, int] = {}
        for partition in self._table.partitions:
            if self._table.kind == "mbr":
                found[partition.start] = partition.number
            elif partition.guid is not None:
                found[partition.guid] = partition.number
        return found


def windows_partition(image: Image, chain: BootChain) -> tuple[int | None, str]:
    """The partition that is C:, and why there is none.

    Where the default entry leads, if a Windows stands there; else the only partition with one.
    """
    hive = f"{chain.windows_path}\\System32\\config\\SYSTEM"
    found = [number for number, volume in image.volumes() if volume.exists(hive)]
    if chain.windows_volume in found or (not found and chain.windows_volume is not None):
        return chain.windows_volume, ""
    if len(found) == 1:
        return found[0], ""
    if not found:
        return None, say("bcdedit.no_windows")
    return None, say("bcdedit.many_windows", numbers=", ".join(str(number) for number in found))
