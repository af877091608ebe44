"""There is no partition that the firmware could start Windows from.

Symptom:  the firmware finds nothing to boot: "No bootable device", "The boot loader did not load an operating
          system", or it tries the network.
Cause:    a GPT without an EFI system partition, or with one that cannot be read; an MBR on which no partition
          holds Windows' boot files, or the active one cannot be read.
Evidence: the kinds of the partitions there are, and what this Windows noted of its last start: that it came
          from the very disk on which its folder stands.
Repair:   none by itself: a partition would have to be made, and only a person can say from which space.
Not done: a machine may start from another disk. Where this Windows noted that it did, or noted nothing, it is
          told as a note. A volume that was attached alone, without its table, is no fault of it.
By hand:  make an EFI system partition (100 MB or more, FAT32) or an active partition, then bcdboot
          <letter>:\\Windows /s <letter of it>: /f UEFI (or BIOS).
"""

from __future__ import annotations

from collections.abc import Iterator

from bootmend.findings import Confidence, Evidence, Finding, Screen, Severity, Skipped, Station
from bootmend.texts import say
from bootmend.volumes.tables.partition import Flaw
from bootmend.windows.firmware import UEFI
from bootmend.windows.image import describe
from bootmend.windows.installation import Windows
from bootmend.windows.origin import starts_from_own_disk
from bootmend.windows.prediction import predict_screen

STATION = Station.SYSTEM_PARTITION
NEEDS_REGISTRY = False


def check(windows: Windows) -> Iterator[Finding]:
    start, image = windows.chain.start, windows.image
    if start.firmware is None or start.volume is not None:
        return
    if any(fault.flaw is Flaw.HYBRID for fault in image.table.faults) or len(start.partitions) > 1:
        return
    own, proof = starts_from_own_disk(windows)
    kinds = "; ".join(f"{one.number}: {one.type_id} {describe(image.content(one.number))}" for one in image.partitions)
    uefi = start.firmware == UEFI
    if start.partitions:
        key = "system_unreadable_uefi" if uefi else "system_unreadable_bios"
    else:
        key = "system_missing_uefi" if uefi else "system_missing_bios"
    if own is True:
        severity, why = Severity.CAUSE, say("rules_boot.system_why")
    else:
        severity, why = Severity.NOTE, say("rules_boot.system_why_elsewhere")
    yield Finding(
        rule="system_partition_missing",
        severity=severity,
        subject="system_partition",
        title=say(f"rules_boot.{key}", number=", ".join(map(str, start.partitions))),
        why=why,
        evidence=(*start.told_by, Evidence(image.device.name, kinds), proof),
        skipped=(Skipped(say("rules_boot.system_action"), say("rules_boot.system_skipped")),),
        prediction=predict_screen(
            Screen.BIOS, say("rules_boot.no_system_words"), say("rules_boot.system_predicted"), Confidence.MEDIUM
        )
        if own is True
        else None,
    )
