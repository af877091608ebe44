"""The catalog that vouches for a driver is gone from the catalog store.

Symptom:  stop 0x5A CRITICAL_SERVICE_FAILED with status 0xC0000428 in the middle of the boot. Often
          the driver is one of Windows' own, and replacing it only moves the stop to the next one.
Cause:    many of Windows' own drivers carry no signature in the file. A catalog in
          System32\\CatRoot\\{F750E6C3-38EE-11D1-85E5-00C04FC295EE} vouches for them by their hash;
          that catalog is missing, or cannot be read, while the driver itself is sound.
          The kernel and the libraries that it or a driver imports are looked at in the same way.
Evidence: the driver's Authenticode hash is in no catalog of the store, but is in a catalog that
          still lies in servicing\\Packages (or in its driver package), and that catalog's own signature
          holds.
Repair:   copies that catalog back into the store. One that opens is never overwritten: the same name
          with other content gets a second name. One that cannot be read is replaced. If the whole
          store is gone, every staged catalog is put back.
Not done: the driver is not touched. Catalogs of another machine are taken only for third-party
          drivers (oemN.cat), and only where they cover this machine's own file.
By hand:  `bootmend drivers DISK` tells the driver's hash (so do signtool and Get-AppLockerFileInformation); search
          it in D:\\Windows\\servicing\\Packages\\*.cat and copy the hit to
          D:\\Windows\\System32\\CatRoot\\{F750E6C3-38EE-11D1-85E5-00C04FC295EE}.
"""

from __future__ import annotations

import hashlib
import ntpath
from collections.abc import Iterator

from bootmend.actions.content import AtHand, OnDisk
from bootmend.actions.create_file import CreateFile
from bootmend.actions.replace_file import ReplaceFile
from bootmend.findings import Action, Evidence, Finding, Severity, Station
from bootmend.rules._severity import at_its_place, driver_severity
from bootmend.texts import say
from bootmend.windows.drivers import AuditedDriver, LostCatalog, Trouble
from bootmend.windows.image import address
from bootmend.windows.installation import Windows

STATION = Station.SYSTEM_DRIVERS


def check(windows: Windows) -> Iterator[Finding]:
    """One finding a lost catalog; one for all of them where the store itself is gone."""
    every = (*windows.audited, *windows.boot_files.all)
    lost = [driver for driver in every if driver.trouble is Trouble.CATALOG_LOST]
    if not lost:
        return
    if not windows.signatures.active.paths:
        yield at_its_place(windows, worst(lost), _store_gone(windows, lost))
        return
    groups: dict[LostCatalog, list[AuditedDriver]] = {}
    for driver in lost:
        if driver.lost_catalog is not None:
            groups.setdefault(driver.lost_catalog, []).append(driver)
    taken: dict[str, int] = {}
    for catalog, drivers in groups.items():
        first = worst(drivers)
        finding = Finding(
            rule="catalog_missing",
            severity=driver_severity(first),
            subject=first.image,
            title=say("rules.catalog_missing_title", image=first.image, catalog=ntpath.basename(catalog.where)),
            why=say("rules.catalog_missing_why", image=first.image),
            evidence=(*first.evidence(), *_shared_evidence(windows, catalog, drivers)),
            actions=(put_catalog(windows, catalog, taken),),
        )
        yield at_its_place(windows, first, finding)


def worst(drivers: list[AuditedDriver]) -> AuditedDriver:
    """The driver that stops the boot first: the earliest in load order among the most severe."""
    causes = [driver for driver in drivers if driver_severity(driver) is Severity.CAUSE]
    return (causes or drivers)[0]


def _shared_evidence(windows: Windows, catalog: LostCatalog, drivers: list[AuditedDriver]) -> Iterator[Evidence]:
    yield Evidence(
        catalog.where if catalog.donated is not None else address(windows.volume, catalog.where),
        say("rules.staged_catalog_covers", images=", ".join(driver.image for driver in drivers)),
    )
    checked = [driver for driver in windows.audited if driver.verdict is not None]
    sound = [driver for driver in checked if driver.trouble is None]
    yield Evidence(
        f"volume {windows.volume}:{windows.signatures.store_path}",
        say(
            "rules.store_resolves",
            catalogs=len(windows.signatures.active.paths),
            sound=len(sound),
            checked=len(checked),
        ),
    )


def _store_gone(windows: Windows, lost: list[AuditedDriver]) -> Finding:
    """The store is missing or empty: what it held is put back as a whole."""
    first = worst(lost)
    actions: list[Action] = []
    taken: dict[str, int] = {}
    staged = windows.signatures.staged
    contents: dict[str, set[bytes]] = {}
    for catalog in staged.paths:
        if catalog in staged.unreadable:
            continue
        # Driver packages share names (several versions, or plain "driver.cat"): only true twins are left out.
        same_name = contents.setdefault(ntpath.basename(catalog).lower(), set())
        digest = hashlib.sha256(staged.load(catalog)).digest()
        if digest not in same_name:
            same_name.add(digest)
            actions.append(put_catalog(windows, LostCatalog(catalog, None), taken))
    return Finding(
        rule="catalog_missing",
        severity=driver_severity(first),
        subject=first.image,
        title=say("rules.catalog_missing_store_gone", count=len(lost)),
        why=say("rules.catalog_missing_why_store", image=first.image),
        evidence=(
            *first.evidence(),
            Evidence(f"volume {windows.volume}:{windows.signatures.store_path}", say("rules.store_empty")),
            Evidence(
                f"volume {windows.volume}:{windows.path}\\servicing\\Packages",
                say("rules.staged_all", catalogs=len(actions), drivers=len(lost)),
            ),
        ),
        actions=tuple(actions),
    )


def put_catalog(windows: Windows, lost: LostCatalog, taken: dict[str, int] | None = None) -> Action:
    """The edit that brings a catalog into the store, by the rules of this file's docstring.

    `taken` holds the lower-case names that other edits of the plan make there, each with the last number that was
    put behind it; this one's is added.
    """
    taken = taken if taken is not None else {}
    store = windows.signatures.store_path
    active = windows.signatures.active
    name = ntpath.basename(lost.where.replace("/", "\\"))
    source = OnDisk(windows.volume, lost.where) if lost.donated is None else AtHand(lost.where, lost.donated)
    present = {ntpath.basename(path).lower(): path for path in active.paths}
    if name.lower() in present and name.lower() not in taken:
        path = present[name.lower()]
        if path in active.unreadable:
            taken[name.lower()] = 0
            return ReplaceFile(volume=windows.volume, path=path, content=source)
    plain = name.lower()
    stem, suffix = ntpath.splitext(name)
    number = taken.get(plain, 0)
    while name.lower() in present or name.lower() in taken:
        number += 1
        name = f"{stem}_{number}{suffix}"
    taken[plain] = number
    taken.setdefault(name.lower(), 0)
    like = active.paths[0] if active.paths else ""
    return CreateFile(volume=windows.volume, path=f"{store}\\{name}", content=source, like=like)
