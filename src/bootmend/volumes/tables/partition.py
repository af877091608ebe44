"""The nouns of a partitioned disk.

GUIDs as text are in braces and lower-case, as in Windows' own tools; MBR types are ``0x07``.
Types: UEFI specification 2.10, 5.3.3; Microsoft, PARTITION_INFORMATION_GPT and "Disk partition types".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

ESP = "{c12a7328-f81f-11d2-ba4b-00a0c93ec93b}"
MSR = "{e3c9e316-0b5c-4db8-817d-f92df00215ae}"
BASIC_DATA = "{ebd0a0a2-b9e5-4433-87c0-68b6b72699c7}"
RECOVERY = "{de94bba4-06d1-4d40-a16a-bfd50179d6ac}"

LDM_METADATA = "{5808c8aa-7e8f-42e0-85d2-e1e90434cfb3}"
LDM_DATA = "{af9b60a0-1431-4f62-bc68-3311714a69ad}"
STORAGE_SPACES = "{e75caf8f-f680-4cee-afa3-b001e56efc2d}"

MBR_NTFS = "0x07"
MBR_FAT16 = "0x06"
MBR_FAT32 = "0x0c"
MBR_RECOVERY = "0x27"
MBR_ESP = "0xef"
MBR_PROTECTIVE = "0xee"
MBR_LDM = "0x42"

SPREAD = (MBR_LDM, LDM_DATA, STORAGE_SPACES)
"""Types of partitions that are pieces of volumes: mirrored, striped or spanned over several disks, as may be."""

ATTRIBUTE_REQUIRED = 1 << 0
ATTRIBUTE_LEGACY_BOOT = 1 << 2
ATTRIBUTE_HIDDEN = 1 << 62
ATTRIBUTE_NO_LETTER = 1 << 63


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition; `start` and `size` in bytes, never outside the device they were read from."""

    number: int
    """From 1: the slot of the table; logical partitions of an MBR count from 5."""
    start: int
    size: int
    type_id: str = ""
    """A GUID in braces, ``0x07``, or nothing where there is no table."""
    guid: UUID | None = None
    name: str = ""
    active: bool = False
    """MBR: the boot flag. GPT: the legacy BIOS bootable attribute."""
    attributes: int = 0
    """The 64 attribute bits of GPT; 0 on an MBR."""


class Flaw(StrEnum):
    """What can be wrong with a table that is read all the same."""

    MBR_UNSIGNED = "mbr_unsigned"
    """Sector 0 has lost its 55 AA."""
    NOT_PROTECTED = "not_protected"
    """A GPT, and no protective entry in sector 0."""
    HYBRID = "hybrid"
    """A GPT, and sector 0 names some of its partitions too."""
    GPT_PRIMARY = "gpt_primary"
    """The GPT's first copy is damaged; what is read is its backup."""
    GPT_BACKUP = "gpt_backup"
    """The GPT's backup is damaged or missing."""
    GPT_DIFFER = "gpt_differ"


@dataclass(frozen=True, slots=True)
class Patch:
    """Bytes that a sound table has at `offset` of the disk."""

    offset: int
    data: bytes
    what: str
    """The structure that they are, in a few words."""


@dataclass(frozen=True, slots=True)
class TableFault:
    """One flaw, where it was seen (bytes from the disk's start), and what would mend it."""

    flaw: Flaw
    offset: int
    found: str
    """What was expected there and is not, in a sentence."""
    patches: tuple[Patch, ...] = ()
    """From the disk's own sound copy; empty where none says what belongs there."""


@dataclass(frozen=True, slots=True)
class PartitionTable:
    """What stands on a disk, and what is wrong with the table that says so."""

    kind: str
    """gpt, mbr, none (a bare file system, or nothing known)."""
    disk_id: str
    """GPT: the disk GUID in braces; MBR: ``0x1234abcd``; none: empty."""
    disk_guid: UUID | None
    mbr_signature: int | None
    sector_size: int
    """Bytes a sector of the table's own addresses: 512 or 4096."""
    partitions: list[Partition] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    faults: list[TableFault] = field(default_factory=list)
    """The same flaws for rules, as far as any can be decided on."""
