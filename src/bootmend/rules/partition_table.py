"""The partition table is damaged, or does not lead a BIOS to Windows' boot files.

Symptom:  "Operating system not found", "No bootable device", "Invalid partition table", "An operating system
          wasn't found", or a black screen with a cursor: before anything of Windows runs.
Cause:    sector 0 has lost its signature 55 AA, its boot code or its active partition; several partitions
          are marked active, or one without any boot files; a boot flag is neither 00 nor 80; or a GPT's
          protective entry, its first copy or its backup is damaged.
Evidence: the bytes that should stand there, the partition on which Windows' boot files do stand, and the GPT's
          other copy.
Repair:   puts back 55 AA; marks the one partition with Windows' boot files active, and no other; writes the
          damaged copy of a GPT from the sound one, and its protective entry where the table of sector 0 is empty.
Not done: only the disk of a Windows that was found is judged: never a data disk, a bare volume or a Linux disk.
          Where a loader of its own (GRUB) stands in sector 0, the active flag means nothing and is left
          alone. Moving the flag from a partition that may start another system needs consent (`--accept
          move-active-flag`): from any but an NTFS volume without bootmgr and NTLDR. Windows keeps no plain
          copy of its boot code on the disk: it is not made up. A damaged first or second copy of a GPT
          alone does not stop UEFI, which uses the other: a risk.
By hand:  boot code: bootrec /fixmbr from a recovery medium, or bootsect /nt60 SYS /mbr. Active flag: diskpart,
          select partition, active. GPT: gdisk's recovery menu.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bootmend.actions.write_sectors import WriteSectors
from bootmend.errors import InputError
from bootmend.findings import (
    Action,
    Confidence,
    Evidence,
    Finding,
    Prediction,
    Safety,
    Screen,
    Severity,
    Skipped,
    Station,
)
from bootmend.texts import say
from bootmend.volumes.ntfs import NtfsVolume
from bootmend.volumes.tables.mbr import BootCode, boot_code
from bootmend.volumes.tables.partition import Flaw, Patch, TableFault
from bootmend.windows.firmware import BIOS
from bootmend.windows.installation import Windows
from bootmend.windows.origin import belongs_here, starts_from_own_disk
from bootmend.windows.prediction import predict_screen

STATION = Station.PARTITION_TABLE
NEEDS_REGISTRY = False
RISK = "move-active-flag"

_STOPPING = {Flaw.MBR_UNSIGNED: Severity.CAUSE, Flaw.NOT_PROTECTED: Severity.CAUSE}
_TABLE_AT, _SLOT = 446, 16
ACTIVE = 0x80
LOADED_BY_NTFS = ("\\bootmgr", "\\ntldr", "\\grldr")
"""What boot code of an NTFS volume looks for: Windows' since Vista, Windows' before, GRUB4DOS'."""


def check(windows: Windows) -> Iterator[Finding]:
    table = windows.image.table
    if table.kind == "none":
        return
    if windows.chain.start.volume is None and not starts_from_own_disk(windows)[0]:
        return
    for fault in table.faults:
        if fault.flaw is not Flaw.HYBRID:
            yield _damage(windows, fault)
    if windows.chain.start.firmware == BIOS:
        yield from _boot_code(windows)
        yield from _active(windows)


def _damage(windows: Windows, fault: TableFault) -> Finding:
    device = windows.image.device
    severity = _STOPPING.get(fault.flaw, Severity.RISK)
    gpt_signature = windows.image.table.kind == "gpt" and fault.flaw is Flaw.MBR_UNSIGNED
    if gpt_signature or (severity is Severity.RISK and not fault.patches):
        severity = Severity.RISK if fault.patches else Severity.NOTE
    name = fault.flaw.value
    return Finding(
        rule="partition_table",
        severity=severity,
        subject=name,
        title=say(f"rules_boot.table_{name}"),
        why=say("rules_boot.table_why" if severity is Severity.CAUSE else "rules_boot.table_why_risk"),
        evidence=(Evidence(f"{device.name} at {fault.offset:#x}", fault.found), *windows.chain.start.told_by),
        actions=tuple(_write(windows, patch, say("rules_boot.own_copy")) for patch in fault.patches),
        skipped=() if fault.patches else (Skipped(say("rules_boot.table_action"), say("rules_boot.table_skipped")),),
        prediction=_nothing_boots(say("rules_boot.table_predicted")) if severity is Severity.CAUSE else None,
    )


def _write(windows: Windows, patch: Patch, source: str = "") -> Action:
    before = windows.image.device.read(patch.offset, len(patch.data))
    return WriteSectors(offset=patch.offset, before=before, after=patch.data, what=patch.what, taken_from=source)


def _nothing_boots(why: str, confidence: Confidence = Confidence.MEDIUM) -> Prediction:
    return predict_screen(Screen.BIOS, say("rules_boot.no_system_words"), why, confidence)


def _boot_code(windows: Windows) -> Iterator[Finding]:
    """Sector 0 is there for its table alone: a BIOS jumps into zeros."""
    if boot_code(windows.image.device.read(0, 512)) is not BootCode.NONE:
        return
    here, proof = belongs_here(windows)
    yield Finding(
        rule="partition_table",
        severity=Severity.CAUSE if here else Severity.RISK,
        subject="boot_code",
        title=say("rules_boot.code_title"),
        why=say("rules_boot.code_why"),
        evidence=(Evidence(f"{windows.image.device.name} at 0x0", say("rules_boot.code_seen")), proof),
        skipped=(Skipped(say("rules_boot.code_action"), say("rules_boot.code_skipped")),),
        prediction=_nothing_boots(say("rules_boot.code_predicted")) if here else None,
        rank=1,
    )


def _active(windows: Windows) -> Iterator[Finding]:
    """The flag stands on another partition than the one with Windows' boot files, on several, on none, or is none."""
    start, device = windows.chain.start, windows.image.device
    sector = device.read(0, 512)
    flags = {number: sector[_TABLE_AT + _SLOT * (number - 1)] for number in range(1, 5)}
    slots = [number for number, flag in flags.items() if flag == ACTIVE]
    odd = [number for number, flag in flags.items() if flag not in (0, ACTIVE)]
    home = start.volume
    if home is None or (slots == [home] and not odd) or home > 4:
        return
    if boot_code(sector) is BootCode.OTHER:
        return
    here, proof = belongs_here(windows)
    # Windows' boot code takes all from 80 on for active, and calls the table invalid at 01 to 7F.
    invalid = any(flags[number] < ACTIVE for number in odd)
    lost = invalid or not (slots or odd) or (bool(slots) and _starts_nothing(windows, slots[0]))
    severity = Severity.CAUSE if here and lost else Severity.RISK
    if odd:
        key = "active_odd"
    elif not slots:
        key = "active_none"
    elif slots[0] == home:
        severity, key = Severity.RISK, "active_several"
    else:
        key = "active_wrong"
    wanted = {number: ACTIVE if number == home else 0 for number in flags}
    patches = [
        Patch(_TABLE_AT + _SLOT * (number - 1), bytes((wanted[number],)), f"active flag of slot {number}")
        for number in flags
        if flags[number] != wanted[number]
    ]
    edits = [_write(windows, patch) for patch in patches]
    if key == "active_wrong" and severity is Severity.RISK:
        edits = [replace(edit, safety=Safety.RISKY, risk=RISK) for edit in edits]
    seen = {
        "active": ", ".join(map(str, slots)) or say("rules_boot.none_active"),
        "flags": " ".join(f"{flag:02x}" for flag in flags.values()),
    }
    yield Finding(
        rule="partition_table",
        severity=severity,
        subject="active_partition",
        title=say(f"rules_boot.{key}", number=home),
        why=say("rules_boot.active_why"),
        evidence=(Evidence(f"{device.name} at {_TABLE_AT:#x}", say("rules_boot.active_seen", **seen)), proof),
        actions=tuple(edits),
        prediction=_stops(key) if severity is Severity.CAUSE else None,
        rank=2,
    )


def _starts_nothing(windows: Windows, number: int) -> bool:
    """An NTFS volume without a file that the boot code of one could load; of other kinds it is not known."""
    content = windows.image.content(number)
    try:
        return isinstance(content, NtfsVolume) and not any(content.exists(path) for path in LOADED_BY_NTFS)
    except InputError:
        return False


def _stops(key: str) -> Prediction:
    if key == "active_wrong":
        words, why = say("rules_boot.bootmgr_words"), say("rules_boot.active_wrong_predicted")
        return predict_screen(Screen.BIOS, words, why, Confidence.MEDIUM)
    return _nothing_boots(
        say("rules_boot.active_odd_predicted" if key == "active_odd" else "rules_boot.active_predicted")
    )
