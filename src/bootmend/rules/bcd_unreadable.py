"""The boot store (BCD) is there, but is no boot store.

Symptom:  "The Boot Configuration Data for your PC is missing or contains errors", with the store's path; a
          damaged hive gives status 0xC000014C.
Cause:    the file at the store's place is empty, cut short, or is no registry hive with a key Objects.
Evidence: the file, and what was expected where in it.
Repair:   writes a new store for the one Windows on the disk over it, from its own System32\\config\\BCD-Template,
          with the elements that bcdboot writes. Undo brings the broken file back.
Not done: a store that reads is edited, never rebuilt. Entries of other systems and Windows RE are not made up.
By hand:  rename the file, then bcdboot <letter>:\\Windows /s <letter of the system partition>:.
"""

from __future__ import annotations

from collections.abc import Iterator

from bootmend.findings import Action, Confidence, Evidence, Finding, Severity, Skipped, Station
from bootmend.rules._rebuild import put_store, rebuild
from bootmend.rules._store import STATUS_REGISTRY_CORRUPT, manager_screen
from bootmend.texts import say
from bootmend.windows.image import address
from bootmend.windows.installation import Windows

STATION = Station.BOOT_STORE
NEEDS_REGISTRY = False


def check(windows: Windows) -> Iterator[Finding]:
    start = windows.chain.start
    for broken in windows.chain.broken:
        if (broken.volume, broken.path) != (start.volume, start.store_path):
            continue
        where = address(broken.volume, broken.path)
        evidence = [*start.told_by, Evidence(where, str(broken.reason))]
        built = rebuild(windows)
        actions: tuple[Action, ...] = ()
        skipped: tuple[Skipped, ...] = ()
        if isinstance(built, Skipped):
            skipped = (built,)
        else:
            evidence.append(built.evidence)
            actions = tuple(put_store(windows, built, over=True))
        yield Finding(
            rule="bcd_unreadable",
            severity=Severity.CAUSE,
            subject=broken.path,
            title=say("rules_boot.unreadable_title", path=where),
            why=say("rules_boot.unreadable_why"),
            evidence=tuple(evidence),
            actions=actions,
            skipped=skipped,
            prediction=manager_screen(
                say("rules_boot.unreadable_predicted"), Confidence.MEDIUM, STATUS_REGISTRY_CORRUPT, broken.path
            ),
        )
