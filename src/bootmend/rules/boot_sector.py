"""The first sector of the boot volume or of the Windows volume is damaged, wiped of its code, or tells a wrong place.

Symptom:  BIOS: "A disk read error occurred", "Missing operating system" or a black screen with a cursor, right
          after the firmware. UEFI: no bootable device. Where it is the Windows volume's sector: a boot manager
          that finds no loader.
Cause:    the NTFS or FAT32 boot sector cannot be read, or has lost its 55 AA; its count of hidden sectors, by
          which the boot code of a BIOS finds everything, is not the place where its partition begins (typical
          after a partition was copied or moved); or the boot code in it, or behind it, is wiped.
Evidence: the bytes, the partition table, and the copy of the boot sector: NTFS keeps it in the partition's last
          sector, FAT32 in its sector 6.
Repair:   the damaged sector from its copy, which says that its volume fills this very partition and whose
          $MFT, or table, stands where it says; the boot code from a copy of the same geometry; 55 AA; the hidden
          sectors by the partition table.
Not done: hidden sectors and code of volumes that no BIOS starts from mean nothing and are left alone, as under
          UEFI. Where another loader (GRUB) starts the partition it may set them itself: a risk. The 15 sectors
          of boot code behind the first have no copy: where Windows' code in the first leads to zeros there,
          that is told, and bootsect has to write them. Code that is not Windows' is not judged.
By hand:  bootrec /fixboot, or bootsect /nt60 SYS, from a recovery medium; testdisk, "Backup BS".
"""

from __future__ import annotations

from collections.abc import Iterator

from bootmend.actions.write_sectors import WriteSectors
from bootmend.disk.device import BlockDevice
from bootmend.errors import InputError
from bootmend.findings import Action, Confidence, Evidence, Finding, Prediction, Screen, Severity, Skipped, Station
from bootmend.rules._store import manager_screen, only_windows
from bootmend.texts import say
from bootmend.volumes.ntfs.boot import is_ntfs
from bootmend.volumes.ntfs.boot_code import CODE, JUMP, CodeFault, code_fault, spare_code
from bootmend.volumes.spare import SpareBoot
from bootmend.volumes.tables.mbr import BootCode, boot_code
from bootmend.volumes.tables.partition import Partition
from bootmend.windows.firmware import BIOS, UEFI
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
        starts = partition.number == start.volume
        bios = starts and start.firmware == BIOS
        own = partition.number == windows.volume and (windows.boots_by_default or only_windows(windows))
        if not starts and not own:
            continue
        try:
            device = windows.image.volume(partition.number).device
        except InputError:
            continue
        if isinstance(device, SpareBoot):
            yield _damaged(windows, partition, device, starts=starts)
        elif bios:
            yield from _unfit(windows, partition, device.read(0, 512))
            yield from _no_code(windows, partition, device)


def _damaged(windows: Windows, partition: Partition, device: SpareBoot, *, starts: bool) -> Finding:
    copy = bytearray(device.copy)
    uefi = windows.chain.start.firmware == UEFI
    if starts and not uefi and partition.number <= _PRIMARY:
        copy[_HIDDEN_AT : _HIDDEN_AT + 4] = _hidden(partition, bytes(copy))
    copy_at = partition.start + device.copy_at
    seen = say("rules_boot.sector_copy_seen" if is_ntfs(device.copy) else "rules_boot.sector_copy_seen_fat")
    edit = _write(windows, partition, 0, bytes(copy), say("rules_boot.sector_copy", at=copy_at))
    return Finding(
        rule="boot_sector",
        severity=Severity.CAUSE,
        subject=_subject(partition),
        title=say("rules_boot.sector_title", number=partition.number),
        why=say("rules_boot.sector_why"),
        evidence=(
            Evidence(f"{windows.image.device.name} at {partition.start:#x}", say("rules_boot.sector_seen")),
            Evidence(f"{windows.image.device.name} at {copy_at:#x}", seen),
        ),
        actions=(edit,),
        prediction=_uefi() if starts and uefi else _bios() if starts else _unread(),
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


def _no_code(windows: Windows, partition: Partition, device: BlockDevice) -> Iterator[Finding]:
    """A BIOS runs the boot sector's code, which reads the sectors behind it."""
    fault = code_fault(device) if partition.number <= _PRIMARY else None
    if fault is None:
        return
    found = spare_code(device) if fault is CodeFault.WIPED else None
    direct = boot_code(windows.image.device.read(0, 512)) is not BootCode.OTHER
    edits: list[Action] = []
    if found is not None:
        sector, at = found
        copy = say("rules_boot.sector_copy", at=partition.start + at)
        edits = [_write(windows, partition, part.start, sector[part], copy) for part in (JUMP, CODE)]
    yield Finding(
        rule="boot_sector",
        severity=Severity.CAUSE if direct else Severity.RISK,
        subject=f"{_subject(partition)} boot code",
        title=say(f"rules_boot.vbr_{fault.value}", number=partition.number),
        why=say("rules_boot.vbr_why"),
        evidence=(
            Evidence(f"{windows.image.device.name} at {partition.start:#x}", say(f"rules_boot.vbr_{fault.value}_seen")),
        ),
        actions=tuple(edits),
        skipped=() if edits else (Skipped(say("rules_boot.code_action"), say("rules_boot.vbr_skipped")),),
        prediction=_bios() if direct else None,
        rank=1,
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


def _unread() -> Prediction:
    return manager_screen(say("rules_boot.sector_unread"), Confidence.MEDIUM, None)


def _uefi() -> Prediction:
    words, why = say("rules_boot.no_system_words"), say("rules_boot.sector_predicted_uefi")
    return predict_screen(Screen.BIOS, words, why, Confidence.MEDIUM)


def _bios() -> Prediction:
    return predict_screen(
        Screen.BIOS, say("rules_boot.read_error_words"), say("rules_boot.sector_predicted"), Confidence.MEDIUM
    )
