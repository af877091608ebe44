"""A driver's file is not what any signature or catalog of this machine vouches for.

Symptom:  stop 0x5A CRITICAL_SERVICE_FAILED with status 0xC0000428, or 0xC000007B where the file is no image any more
          or one for another kind of processor. Stop 0x7B INACCESSIBLE_BOOT_DEVICE where the driver's ErrorControl
          lets the boot go on, but the boot disk hangs on it: its own drivers, and filters of all disks or volumes.
Cause:    the file was changed, overwritten or replaced: its Authenticode hash is in no catalog, neither in the
          store nor among the staged ones, and its embedded signature, if it has one, does not fit; or it was made for
          another processor than this Windows (an ARM64 or 32-bit driver on x64).
Evidence: both hashes, where they were looked for, and what the embedded signature says.
Repair:   puts a sound copy in its place. Looked at in this order: another copy in WinSxS (a hard link
          to the damaged file is no help), WinSxS\\Backup, the driver store, then a donor's disk or
          folder. A copy is taken only if this machine's own catalogs vouch for its hash, or if its
          own embedded signature holds and it is of this machine's build and type. Written on the
          clusters the file owns, which mends its hard-linked twin as well; owner and ACL stay.
Not done: a sound copy of another version is proposed last, and taken only with --accept other-version: where
          a catalog is lost everywhere, the file may be sound and only look changed.
          A driver of another maker of which no sound copy is at hand is told by third_party_boot_driver.
          Differential copies (PA30, PA31) need Windows' own engine and are named, not used. The
          version resource proves nothing and is never asked.
By hand:  `sfc /scannow /offbootdir=D:\\ /offwindir=D:\\Windows`, or copy the file from WinSxS or from a machine of
          the same build: `copy /y D:\\Windows\\WinSxS\\<component>\\<driver>.sys D:\\Windows\\System32\\drivers\\`.
          A copy that is a hard link of the damaged file is damaged too (`fsutil hardlink list` names them).
"""

from __future__ import annotations

from collections.abc import Iterator

from bootmend.actions.replace_file import ReplaceFile
from bootmend.findings import Action, Finding, Safety, Skipped, Station
from bootmend.rules._severity import at_its_place, driver_severity, one_a_file
from bootmend.rules._sources import find_source
from bootmend.rules._third_party import taken_over
from bootmend.rules.catalog_missing import put_catalog
from bootmend.texts import say
from bootmend.windows.drivers import AuditedDriver, Trouble
from bootmend.windows.installation import Windows

STATION = Station.SYSTEM_DRIVERS

OTHER_VERSION = "other-version"
"""The word for `--accept` that allows a sound copy of another version than the one that belongs here."""


def check(windows: Windows) -> Iterator[Finding]:
    damaged = [one for one in windows.audited if one.trouble in (Trouble.FILE_UNKNOWN, Trouble.UNREADABLE)]
    for driver in one_a_file(one for one in damaged if taken_over(windows, one) is None):
        yield at_its_place(windows, driver, _finding(windows, driver))


def _finding(windows: Windows, driver: AuditedDriver) -> Finding:
    chosen, skipped = find_source(windows, driver)
    actions: list[Action] = []
    evidence = list(driver.evidence())
    if chosen is not None and driver.location.volume is not None:
        evidence.extend(chosen.evidence)
        actions.append(
            ReplaceFile(
                volume=driver.location.volume,
                path=driver.location.path,
                content=chosen.candidate.content,
                safety=Safety.RISKY if chosen.other_version else Safety.SAFE,
                risk=OTHER_VERSION if chosen.other_version else "",
            )
        )
        # With the store gone, catalog_missing puts back this catalog with all the others.
        if chosen.lost_catalog is not None and windows.signatures.active.paths:
            actions.append(put_catalog(windows, chosen.lost_catalog))
    elif not skipped:
        skipped.append(Skipped(say("rules.use_donor"), say("rules.no_source", image=driver.image)))
    status = driver.verdict.status.value if driver.verdict is not None else "unreadable"
    return Finding(
        rule="driver_damaged",
        severity=driver_severity(driver),
        subject=driver.image,
        title=say("rules.driver_damaged_title", image=driver.image, status=status),
        why=say("rules.driver_damaged_why", image=driver.image),
        evidence=tuple(evidence),
        actions=tuple(actions),
        skipped=tuple(skipped) if chosen is None or chosen.other_version else (),
    )
