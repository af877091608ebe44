"""Every driver that is loaded before a session exists, looked at once: its file and its signature.

`Trouble` sorts what is wrong into classes that exclude each other, so that each rule answers
for one of them and no driver is reported twice.
"""

from __future__ import annotations

import ntpath
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

from bootmend.errors import BootmendError, DeviceError, InputError, Missing, ParseError, Refused, Unequipped
from bootmend.findings import Confidence, Evidence
from bootmend.formats.pe import Linkage, Pe, read_linkage
from bootmend.signing.verdict import Status, Verdict
from bootmend.texts import say
from bootmend.volumes.volume import Elsewhere, Entry, Volume
from bootmend.windows.image import address
from bootmend.windows.service import Location, Service, Start
from bootmend.windows.signatures import CatalogSet, Signatures

MAX_IMAGE = 256 << 20
"""No driver comes near this size; it bounds memory on a hostile disk."""


class Trouble(Enum):
    """Why the kernel would not take a driver."""

    FILE_MISSING = "the file does not exist"
    CATALOG_LOST = "the file is sound, but the catalog that vouches for it is not in the store"
    FILE_UNKNOWN = "no signature and no catalog of this machine, active or staged, vouches for the file"
    UNTRUSTED = "a signature fits the file, but leads to no root the kernel trusts, or is expired or revoked"
    UNREADABLE = "the volume does not give the file's bytes"
    OUT_OF_SIGHT = "the file is kept where bootmend does not look, so nothing can be said of it"


UNTRUSTED_STATUSES = (Status.UNTRUSTED, Status.EXPIRED, Status.REVOKED, Status.CHAIN_INCOMPLETE)


@dataclass(frozen=True, slots=True)
class LostCatalog:
    """A catalog that vouches for a sound file, but is not in the store."""

    where: str
    """Its path on the Windows volume, or its address at a donor."""
    donated: bytes | None
    """Its bytes, where it comes from a donor."""


@dataclass(frozen=True, slots=True)
class AuditedDriver:
    """A driver's service, where its file stands, and what its signature says."""

    service: Service
    location: Location
    entry: Entry | None
    verdict: Verdict | None
    trouble: Trouble | None
    lost_catalog: LostCatalog | None = None
    """Only with Trouble.CATALOG_LOST."""
    error: str = ""
    linkage: Linkage | None = None
    """What it imports and exports; None where that cannot be read."""
    essential: bool = False
    """Without it there is no way to the boot disk, or nothing to read it with, whatever its ErrorControl."""
    waits_for: str = ""
    """A load group that it depends on and that no driver loaded at boot belongs to: then Windows does not load it."""

    @property
    def image(self) -> str:
        """The file's own name, as Windows shows it."""
        return self.entry.name if self.entry is not None else ntpath.basename(self.location.path)

    @property
    def where(self) -> str:
        if self.location.volume is None:
            return self.location.path
        return address(self.location.volume, self.location.path)

    @property
    def stops_the_boot(self) -> bool:
        """The machine stops for want of it: ErrorControl 3, or the boot disk hangs on it.

        Not where Windows would not load it anyway, nor where a boot option lets it load as it is (nointegritychecks,
        testsigning), though current builds drop such options, nor where it is not known that the kernel minds (an
        expired certificate).
        """
        if self.trouble in (None, Trouble.OUT_OF_SIGHT) or not self.needed_to_start:
            return False
        verdict = self.verdict
        return verdict is None or (verdict.kernel_would_refuse and verdict.confidence is not Confidence.LOW)

    @property
    def needed_to_start(self) -> bool:
        """No start does without it."""
        return self.essential or (self.service.critical and not self.waits_for)

    @property
    def early(self) -> bool:
        """The boot loader reads it into memory, before the kernel runs."""
        return self.essential or self.service.start == Start.BOOT

    def evidence(self) -> tuple[Evidence, ...]:
        """The service's key, the file, and what its signature says."""
        waits = () if not self.waits_for else (say("windows.waits_for", group=self.waits_for),)
        key = f"SYSTEM\\{self.service.key}"
        return (self.service.evidence(), *(Evidence(key, what) for what in waits), *self.file_evidence())

    def file_evidence(self) -> tuple[Evidence, ...]:
        """The file, and what its signature says."""
        found = []
        if self.error:
            found.append(Evidence(self.where, self.error))
        elif self.trouble is Trouble.FILE_MISSING:
            found.append(Evidence(self.where, say("rules.no_such_file")))
        elif self.verdict is not None:
            found.append(
                Evidence(
                    self.where,
                    say(
                        "rules.signature_says",
                        status=self.verdict.status.value,
                        sha256=self.verdict.sha256,
                        sha1=self.verdict.sha1,
                    ),
                )
            )
            found.extend(self.verdict.evidence)
        return tuple(found)


def audit_driver(
    service: Service,
    location: Location,
    volume: Volume | None,
    signatures: Signatures,
    donor_catalogs: Callable[[], tuple[CatalogSet, dict[str, bytes]]],
) -> AuditedDriver:
    """Looks at one driver; an unreadable file is an answer, not an error. `volume` None: not one that can be read.

    `donor_catalogs` gives the donors' third-party catalogs and their bytes; it is called only for
    a file that nothing on this disk vouches for.
    """
    if volume is None:
        error = say("rules.other_volume")
        return AuditedDriver(service, location, None, None, Trouble.OUT_OF_SIGHT, error=error)
    entry: Entry | None = None
    trouble: Trouble
    try:
        entry = volume.stat(location.path)
        if entry.directory:
            return AuditedDriver(service, location, entry, None, Trouble.FILE_MISSING, error=say("rules.folder_there"))
        if entry.size > MAX_IMAGE:
            error = say("rules.too_large", size=entry.size)
            return AuditedDriver(service, location, entry, None, Trouble.UNREADABLE, error=error)
        data = volume.read(location.path, MAX_IMAGE)
    except Unequipped:
        raise
    except (InputError, Refused) as reason:
        trouble = _why_unread(reason)
        error = "" if trouble is Trouble.FILE_MISSING else str(reason)
        return AuditedDriver(service, location, entry, None, trouble, error=error)
    judged = _judge(service, location, entry, data, signatures, donor_catalogs)
    return replace(judged, linkage=_linkage(data, judged.where))


def _linkage(data: bytes, where: str) -> Linkage | None:
    try:
        return read_linkage(Pe.parse(data, where))
    except ParseError:
        return None


def _judge(
    service: Service,
    location: Location,
    entry: Entry,
    data: bytes,
    signatures: Signatures,
    donor_catalogs: Callable[[], tuple[CatalogSet, dict[str, bytes]]],
) -> AuditedDriver:
    """What vouches for the file, or what of that is lost."""
    where = address(location.volume or 0, location.path)
    verdict = signatures.active.audit(data, where)
    if verdict.status is Status.VALID and not verdict.kernel_would_refuse:
        return AuditedDriver(service, location, entry, verdict, None)
    staged = signatures.audit_staged(data, where)
    if not staged.kernel_would_refuse and staged.catalog is not None:
        lost = LostCatalog(staged.catalog, None)
        return AuditedDriver(service, location, entry, verdict, Trouble.CATALOG_LOST, lost)
    if verdict.status in UNTRUSTED_STATUSES or staged.status in UNTRUSTED_STATUSES:
        return AuditedDriver(service, location, entry, verdict, Trouble.UNTRUSTED)
    donors, catalogs = donor_catalogs()
    donated = donors.audit(data, where)
    if not donated.kernel_would_refuse and donated.catalog is not None:
        lost = LostCatalog(donated.catalog, catalogs[donated.catalog])
        return AuditedDriver(service, location, entry, verdict, Trouble.CATALOG_LOST, lost)
    return AuditedDriver(service, location, entry, verdict, Trouble.FILE_UNKNOWN)


def _why_unread(reason: BootmendError) -> Trouble:
    """Broken bytes are damage; a link, a WIM archive, deduplication and EFS only hide the file from us."""
    if isinstance(reason, Missing) and not isinstance(reason, Elsewhere):
        return Trouble.FILE_MISSING
    if isinstance(reason, ParseError | DeviceError):
        return Trouble.UNREADABLE
    return Trouble.OUT_OF_SIGHT
