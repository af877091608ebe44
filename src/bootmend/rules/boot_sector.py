"""The first sector of the boot volume or of the Windows volume is damaged, or tells a wrong place.

Symptom:  BIOS: "A disk read error occurred", "Missing operating system" or a black screen with a cursor, right
          after the firmware. Where it is the Windows volume's sector: a boot manager that finds no loader.
Cause:    the NTFS boot sector cannot be read, or has lost its 55 AA; or its count of hidden sectors, by which the
          boot code of a BIOS finds everything, is not the place where its partition begins. Typical after a
          partition was copied or moved.
Evidence: the bytes, the partition table, and the copy of the boot sector in the partition's last sector.
Repair:   the damaged sector from its copy, which says that its volume fills this very partition and whose
          $MFT stands where it says; 55 AA; the hidden sectors by the partition table.
Not done: hidden sectors of volumes that no BIOS starts from mean nothing and are left alone, as under UEFI.
          Where another loader (GRUB) starts the partition it may set them itself: a risk. The 15 sectors of boot
          code behind the first have no copy.
By hand:  bootrec /fixboot, or bootsect /nt60 SYS, from a recovery medium; testdisk, "Backup BS".
"""

from __future__ import annotations

from collections.abc import Iterator

from bootmend.actions.write_sectors import WriteSectors
from bootmend.errors import InputError
from bootmend.findings import Action, Confidence, Evidence, Finding, Prediction, Screen, Severity, Station
from bootmend.rules._store import manager_screen, only_windows
from bootmend.texts import say
from bootmend.volumes.ntfs.boot import is_ntfs
from bootmend.volumes.ntfs.spare import SpareBoot
from bootmend.volumes.tables.mbr import BootCode, boot_code
from bootmend.volumes.tables.partition import Partition
from bootmend.windows.firmware import BIOS
from bootmend.windows.installation import Windows
from bootmend.windows.prediction import predict_screen

STATION = Station.SYSTEM_PARTITION
NEEDS_REGISTRY = False

_HIDDEN_AT, _SECTOR_SIZE_AT, _SIGNATURE_AT = 0x1C, 0x0B, 510
_PRIMARY = 4


def check(windows: Windows) -> Iterator[Finding]:
    start = windows.chain.start
    if windows.image.table.kind == "none":
        return
    for partition in windows.image.partitions:
        starts = partition.number == start.volume and start.firmware == BIOS
        own = partition.number == windows.volume and (windows.boots_by_default or only_windows(windows))
        if not starts and not own:
            continue
        try:
            device = windows.image.volume(partition.number).device
        except InputError:
            continue
        if isinstance(device, SpareBoot):
            yield _damaged(windows, partition, device, starts=starts)
        elif starts:
            yield from _unfit(windows, partition, device.read(0, 512))


def _damaged(windows: Windows, partition: Partition, device: SpareBoot, *, starts: bool) -> Finding:
    copy = bytearray(device.copy)
    if starts and partition.number <= _PRIMARY:
        copy[_HIDDEN_AT : _HIDDEN_AT + 4] = _hidden(partition, bytes(copy))
    copy_at = partition.start + device.copy_at
    edit = _write(windows, partition, 0, bytes(copy), say("rules_boot.sector_copy", at=copy_at))
    return Finding(
        rule="boot_sector",
        severity=Severity.CAUSE,
        subject=_subject(partition),
        title=say("rules_boot.sector_title", number=partition.number),
        why=say("rules_boot.sector_why"),
        evidence=(
            Evidence(f"{windows.image.device.name} at {partition.start:#x}", say("rules_boot.sector_seen")),
            Evidence(f"{windows.image.device.name} at {copy_at:#x}", say("rules_boot.sector_copy_seen")),
        ),
        actions=(edit,),
        prediction=_bios() if starts else manager_screen(say("rules_boot.sector_unread"), Confidence.MEDIUM, None),
        station=None if starts else Station.BOOT_LOADER,
    )


def _unfit(windows: Windows, partition: Partition, sector: bytes) -> Iterator[Finding]:
    """It reads, but the boot code of a BIOS would not get on with it."""
    if not is_ntfs(sector) or partition.number > _PRIMARY:
        return
    wanted = _hidden(partition, sector)
    found = int.from_bytes(sector[_HIDDEN_AT : _HIDDEN_AT + 4], "little")
    direct = boot_code(windows.image.device.read(0, 512)) is not BootCode.OTHER
    edits: list[Action] = []
    seen: list[Evidence] = []
    where = f"{windows.image.device.name} at {partition.start:#x}"
    if sector[_SIGNATURE_AT:] != b"\x55\xaa":
        edits.append(_write(windows, partition, _SIGNATURE_AT, b"\x55\xaa", ""))
        seen.append(Evidence(where, say("rules_boot.sector_unsigned")))
    if sector[_HIDDEN_AT : _HIDDEN_AT + 4] != wanted:
        edits.append(_write(windows, partition, _HIDDEN_AT, wanted, say("rules_boot.sector_table")))
        first = int.from_bytes(wanted, "little")
        seen.append(Evidence(where, say("rules_boot.sector_hidden", found=found, first=first)))
    if edits:
        yield Finding(
            rule="boot_sector",
            severity=Severity.CAUSE if direct else Severity.RISK,
            subject=_subject(partition),
            title=say("rules_boot.sector_title_unfit", number=partition.number),
            why=say("rules_boot.sector_why_unfit"),
            evidence=tuple(seen),
            actions=tuple(edits),
            prediction=_bios() if direct else None,
        )


def _hidden(partition: Partition, sector: bytes) -> bytes:
    """The partition's first sector as the boot sector is to count it: in its own sectors."""
    size = int.from_bytes(sector[_SECTOR_SIZE_AT : _SECTOR_SIZE_AT + 2], "little") or 512
    return (partition.start // size & 0xFFFFFFFF).to_bytes(4, "little")


def _write(windows: Windows, partition: Partition, at: int, after: bytes, source: str) -> Action:
    offset = partition.start + at
    before = windows.image.device.read(offset, len(after))
    what = say("rules_boot.sector_what", number=partition.number)
    return WriteSectors(offset=offset, before=before, after=after, what=what, taken_from=source)


def _subject(partition: Partition) -> str:
    return f"partition {partition.number}"


def _bios() -> Prediction:
    return predict_screen(
        Screen.BIOS, say("rules_boot.read_error_words"), say("rules_boot.sector_predicted"), Confidence.MEDIUM
    )
