"""The best sound copy of a damaged or missing driver, or why each candidate was not taken.

Candidates come from the disk itself first (`components`), donors last. What vouches for a
candidate is never where it comes from, but this machine's own catalogs or the candidate's own
embedded signature:

* its hash is in a catalog of this machine whose signature holds (active, or staged and then
  put back with it); or
* it carries a valid embedded signature, and has the same name and machine type, and it is of
  this machine's build by the component folder or the Windows it comes from. Its own version resource
  says nothing of that: a real file of 17763.6659 belongs to component 17763.9245.

Among the sound ones of one source, the one of the component version that belongs here wins. One of another
version is the last resort and needs consent: where a catalog was lost everywhere, the driver that looks
damaged may be sound, and the copy that an older catalog still vouches for would only take it back in time.
"""

from __future__ import annotations

import ntpath
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import islice

from bootmend.actions.content import AtHand, Content, OnDisk
from bootmend.errors import InputError, Refused, Unequipped
from bootmend.findings import Evidence, Skipped
from bootmend.formats.pe import Pe
from bootmend.signing.verdict import Status
from bootmend.texts import say
from bootmend.windows.components import MAX_FILE, Copy
from bootmend.windows.drivers import AuditedDriver, LostCatalog
from bootmend.windows.image import SECTOR
from bootmend.windows.installation import Windows

MOST_CANDIDATES = 200
"""Copies of one file that are looked at; WinSxS keeps a few versions of each, donors have one or two."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that may take the driver's place, not yet judged."""

    where: str
    version: str
    data: bytes
    content: Content
    from_donor: bool


@dataclass(frozen=True, slots=True)
class Chosen:
    """A sound copy, what vouches for it, and a staged catalog that must come back with it, if any."""

    candidate: Candidate
    evidence: tuple[Evidence, ...]
    vouched_by: str
    """The name of the catalog; empty where its own signature does."""
    lost_catalog: LostCatalog | None
    other_version: bool = False
    """It is sound, but not of the version that belongs here."""


def _candidates(windows: Windows, driver: AuditedDriver, skipped: list[Skipped]) -> Iterator[Candidate]:
    name = driver.image
    own = driver.entry.file_id if driver.entry is not None else None
    copies = [copy for copy in windows.components.copies(name) if copy.file_id != own]
    wanted = expected_version(windows, driver)
    # Stable: the order of the sources stays, the version that belongs here comes first in each.
    copies.sort(key=lambda copy: (_rank(copy), copy.version != wanted if wanted else False))
    for copy in copies:
        try:
            data = copy.read()
        except Unequipped:
            raise
        except (InputError, Refused) as error:
            skipped.append(Skipped(say("rules.use_copy", where=copy.where), str(error)))
            continue
        as_it_is = copy.kind != "backup"
        content = OnDisk(windows.volume, copy.path) if as_it_is else AtHand(copy.where, data)
        yield Candidate(copy.where, copy.version, data, content, from_donor=False)
    for donor in windows.given.donors:
        for file in donor.files(name):
            yield Candidate(file.where, file.version, file.data, AtHand(file.where, file.data), from_donor=True)


def _rank(copy: Copy) -> int:
    return {"component": 0, "backup": 1, "driver_store": 2}[copy.kind]


def expected_version(windows: Windows, driver: AuditedDriver) -> str:
    """The component version of the file that belongs here, where a hard link still tells it; else empty."""
    if driver.entry is None:
        return ""
    name = driver.image
    for copy in windows.components.copies(name):
        if copy.file_id == driver.entry.file_id and copy.version:
            return copy.version
    return ""


def find_source(windows: Windows, driver: AuditedDriver) -> tuple[Chosen | None, list[Skipped]]:
    """The first sound candidate, and the reasons against those before it (or against all)."""
    skipped: list[Skipped] = []
    seen: set[bytes] = set()
    last_resort: Chosen | None = None
    wanted = expected_version(windows, driver)
    present = _present(windows, driver)
    for candidate in islice(_candidates(windows, driver, skipped), MOST_CANDIDATES):
        digest = sha256(candidate.data).digest()
        if digest in seen:
            continue
        seen.add(digest)
        chosen, reason = _judge(windows, candidate)
        if chosen is not None and _belongs_here(chosen, wanted, present):
            return chosen, skipped
        if chosen is not None:
            last_resort = last_resort or replace(chosen, other_version=True)
            reason = say("rules.copy_other_version", theirs=candidate.version, ours=wanted)
        skipped.append(Skipped(say("rules.use_copy", where=candidate.where), reason))
    name = driver.image
    skipped.extend(
        Skipped(say("rules.use_copy", where=where), say("rules.differential"))
        for where in windows.components.differentials(name)
    )
    problems = windows.components.problems.items()
    skipped.extend(Skipped(say("rules.look_at", where=where), reason) for where, reason in problems)
    if not windows.given.donors:
        skipped.append(Skipped(say("rules.use_donor"), say("rules.no_donor", image=name)))
    return last_resort, skipped


def _present(windows: Windows, driver: AuditedDriver) -> bytes:
    """What stands in the driver's place now, sound or not; nothing where it cannot be read."""
    if driver.entry is None or driver.location.volume is None or driver.entry.size > MAX_FILE:
        return b""
    with suppress(InputError, Refused):
        return windows.image.volume(driver.location.volume).read(driver.location.path, MAX_FILE)
    return b""


def _belongs_here(chosen: Chosen, wanted: str, present: bytes) -> bool:
    """Of the version wanted: by its component, by the update whose catalog vouches, or by what is left of the file.

    A file that no update changed stands, byte for byte, in components of several versions.
    """
    version = chosen.candidate.version
    if not wanted or not version or version == wanted:
        return True
    update = re.escape(".".join(wanted.split(".")[2:]))
    named = re.search(rf"(?<!\d){update}(?!\d)", chosen.vouched_by)
    return named is not None or _mostly_the_same(chosen.candidate.data, present)


def _mostly_the_same(one: bytes, other: bytes) -> bool:
    """As long, and at least nine sectors in ten are equal: the same file with a scratch."""
    if len(one) != len(other):
        return False
    places = range(0, len(one), SECTOR)
    return sum(one[at : at + SECTOR] == other[at : at + SECTOR] for at in places) * 10 >= len(places) * 9


def _judge(windows: Windows, candidate: Candidate) -> tuple[Chosen | None, str]:
    verdict = windows.signatures.active.audit(candidate.data, candidate.where)
    if not verdict.kernel_would_refuse and verdict.catalog is not None:
        return _chosen(candidate, verdict.catalog, None)
    staged = windows.signatures.audit_staged(candidate.data, candidate.where)
    if not staged.kernel_would_refuse and staged.catalog is not None:
        return _chosen(candidate, staged.catalog, LostCatalog(staged.catalog, None))
    # A boot option may pardon a driver that stands here; it never vouches for a file that is to be put here.
    if verdict.kernel_would_refuse or verdict.status is not Status.VALID:
        reason = say("rules.copy_not_vouched", status=verdict.status.value, sha256=verdict.sha256)
        if candidate.from_donor and candidate.version:
            reason += " " + say("rules.donor_build", theirs=candidate.version, ours=windows.version.text)
        return None, reason
    return _judge_embedded(windows, candidate)


def _chosen(candidate: Candidate, catalog: str, lost: LostCatalog | None) -> tuple[Chosen, str]:
    said = Evidence(candidate.where, say("rules.copy_vouched", catalog=ntpath.basename(catalog)))
    versioned = (
        ()
        if not candidate.version
        else (Evidence(candidate.where, say("rules.copy_version", version=candidate.version)),)
    )
    return Chosen(candidate, (said, *versioned), ntpath.basename(catalog), lost), ""


def _judge_embedded(windows: Windows, candidate: Candidate) -> tuple[Chosen | None, str]:
    """A candidate whose own signature holds: name, machine type and build must be this machine's."""
    try:
        pe = Pe.parse(candidate.data, candidate.where)
    except InputError as error:
        return None, str(error)
    machine = windows.machine_type
    if machine is not None and pe.machine != machine:
        return None, say("rules.copy_machine", theirs=f"{pe.machine:#06x}", ours=f"{machine:#06x}")
    if candidate.from_donor:
        version = candidate.version
        if not version:
            return None, say("rules.donor_of_nothing")
        build = version.split(".")[2] if version.count(".") >= 2 else version.split(".")[0]
        if build != str(windows.version.build):
            return None, say("rules.donor_build", theirs=version, ours=windows.version.text or "?")
    said = Evidence(candidate.where, say("rules.copy_embedded"))
    return Chosen(candidate, (said,), "", None), ""
