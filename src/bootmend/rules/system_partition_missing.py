"""There is no partition that the firmware could start Windows from.

Symptom:  the firmware finds nothing to boot: "No bootable device", "The boot loader did not load an operating
          system", or it tries the network.
Cause:    a GPT without an EFI system partition, or with one that cannot be read; a GPT on which the partition
          with UEFI's boot files has another type (some firmware starts from it all the same); an MBR on which
          no partition holds Windows' boot files, or the active one cannot be read.
Evidence: the kinds of the partitions there are, the space that none of them has, and what this Windows noted of
          its last start: that it came from the very disk on which its folder stands.
Repair:   gives the partition with UEFI's boot files its type, in both copies of the GPT. Else none by itself: a
          partition would have to be made, and only a person can say from which space.
Not done: a machine may start from another disk. Where this Windows noted that it did, or noted nothing, it is
          told as a note. A volume that was attached alone, without its table, is no fault of it.
By hand:  make an EFI system partition (100 MB or more, FAT32) or an active partition, then bcdboot
          <letter>:\\Windows /s <letter of it>: /f UEFI (or BIOS).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from uuid import UUID

from bootmend.actions.write_sectors import WriteSectors
from bootmend.findings import Confidence, Evidence, Finding, Screen, Severity, Skipped, Station
from bootmend.texts import say
from bootmend.volumes.tables.gpt import retyped
from bootmend.volumes.tables.partition import ESP, Flaw
from bootmend.windows.firmware import UEFI
from bootmend.windows.free_space import gaps
from bootmend.windows.image import Image, describe
from bootmend.windows.installation import Windows
from bootmend.windows.origin import starts_from_own_disk
from bootmend.windows.prediction import predict_screen

STATION = Station.SYSTEM_PARTITION
NEEDS_REGISTRY = False
MOST_GAPS = 4


def check(windows: Windows) -> Iterator[Finding]:
    start, image = windows.chain.start, windows.image
    if start.volume is not None and image.table.kind == "gpt" and not start.partitions:
        yield _unmarked(windows, start.volume)
        return
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
        skipped=(Skipped(say("rules_boot.system_action"), say("rules_boot.system_skipped", gaps=_free(image))),),
        prediction=predict_screen(
            Screen.BIOS, say("rules_boot.no_system_words"), say("rules_boot.system_predicted"), Confidence.MEDIUM
        )
        if own is True
        else None,
    )


def _free(image: Image) -> str:
    """Where a system partition could stand, and where one may have stood."""
    found = list(islice(gaps(image), MOST_GAPS))
    if not found:
        return say("rules_boot.no_gap")
    shown = [
        say("rules_boot.gap_left" if gap.left else "rules_boot.gap", at=gap.start, size=gap.size >> 20, kind=gap.left)
        for gap in found
    ]
    return " ".join(shown)


def _unmarked(windows: Windows, number: int) -> Finding:
    """Windows' boot files are there, on a partition that a firmware need not look at."""
    image = windows.image
    own, proof = starts_from_own_disk(windows)
    kind = next(one.type_id for one in image.partitions if one.number == number)
    patches = retyped(image.device, image.table.sector_size, number, UUID(ESP))
    edits = tuple(
        WriteSectors(
            offset=patch.offset,
            before=image.device.read(patch.offset, len(patch.data)),
            after=patch.data,
            what=patch.what,
        )
        for patch in patches
    )
    predicted = say("rules_boot.system_unmarked_predicted")
    words = say("rules_boot.no_system_words")
    return Finding(
        rule="system_partition_missing",
        severity=Severity.CAUSE if own is True else Severity.RISK,
        subject="system_partition",
        title=say("rules_boot.system_unmarked", number=number),
        why=say("rules_boot.system_unmarked_why"),
        evidence=(
            *windows.chain.start.told_by,
            Evidence(image.device.name, say("rules_boot.system_unmarked_seen", number=number, type=kind)),
            proof,
        ),
        actions=edits,
        skipped=() if edits else (Skipped(say("rules_boot.system_mark"), say("rules_boot.system_mark_skipped")),),
        prediction=predict_screen(Screen.BIOS, words, predicted, Confidence.LOW) if own is True else None,
    )
