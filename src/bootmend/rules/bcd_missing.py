"""The boot store (BCD) is gone from the partition that the firmware starts from.

Symptom:  "The Boot Configuration Data for your PC is missing or contains errors", with the store's path and
          status 0xC000000F.
Cause:    there is no \\EFI\\Microsoft\\Boot\\BCD on the EFI system partition (UEFI), or no \\Boot\\BCD on the
          active partition (BIOS), though Windows' boot files stand there, or this Windows was last started
          from this very disk.
Evidence: what tells this disk's firmware, the folder in which the store is not, and what says that it belongs there.
Repair:   makes a new store for the one Windows on the disk, from its own System32\\config\\BCD-Template, with
          the elements that bcdboot writes.
Not done: \\EFI\\Microsoft\\Recovery\\BCD and stores of other partitions are not taken in its place. Entries of
          other systems and Windows RE are not made up (afterwards, in Windows: reagentc /enable). Where the
          disk may be one of several and the boot files stand on another, it is only noted.
By hand:  bcdboot <letter>:\\Windows /s <letter of the system partition>: /f UEFI (or BIOS).
"""

from __future__ import annotations

from collections.abc import Iterator

from bootmend.findings import Action, Confidence, Evidence, Finding, Severity, Skipped, Station
from bootmend.rules._rebuild import put_store, rebuild
from bootmend.rules._store import STATUS_NO_SUCH_FILE, manager_screen
from bootmend.texts import say
from bootmend.windows.image import address
from bootmend.windows.installation import Windows
from bootmend.windows.origin import belongs_here

STATION = Station.BOOT_STORE
NEEDS_REGISTRY = False


def check(windows: Windows) -> Iterator[Finding]:
    chain, start = windows.chain, windows.chain.start
    if start.volume is None or not start.store_path or chain.judged is not None:
        return
    if any((one.volume, one.path) == (start.volume, start.store_path) for one in chain.broken):
        return
    here, proof = belongs_here(windows)
    where = address(start.volume, start.store_path)
    actions: tuple[Action, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    evidence = [*start.told_by, Evidence(where, say("rules_boot.file_not_here")), proof]
    if here:
        built = rebuild(windows)
        if isinstance(built, Skipped):
            skipped = (built,)
        else:
            evidence.append(built.evidence)
            actions = tuple(put_store(windows, built, over=False))
    yield Finding(
        rule="bcd_missing",
        severity=Severity.CAUSE if here else Severity.NOTE,
        subject=start.store_path,
        title=say("rules_boot.missing_title" if here else "rules_boot.missing_title_elsewhere", path=where),
        why=say("rules_boot.missing_why" if here else "rules_boot.missing_why_elsewhere"),
        evidence=tuple(evidence),
        actions=actions,
        skipped=skipped,
        prediction=manager_screen(
            say("rules_boot.missing_predicted", path=start.store_path),
            Confidence.MEDIUM,
            STATUS_NO_SUCH_FILE,
            start.store_path,
        )
        if here
        else None,
    )
