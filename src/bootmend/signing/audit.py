"""The verdict on a file: hash it once, look at its own signatures and at the catalogs that list it.

    image -> hashes -> embedded signatures ──────────────────────────┐
                └────> catalog index -> catalogs that list it,       ├─> best of all -> policy -> Verdict
                       each one's own signature checked once ────────┘

A hit in the index proves nothing until that catalog's signature is good, and a bad catalog must not hide
a good one with the same hash: every catalog that lists the file is looked at until one is valid.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

from bootmend.errors import InputError, ParseError
from bootmend.findings import Evidence
from bootmend.formats.pe import Pe
from bootmend.signing import oids
from bootmend.signing.denied import NOTHING_DENIED, DenyList
from bootmend.signing.embedded import ImageSubject, embedded_messages
from bootmend.signing.envelope import Envelope, open_envelope
from bootmend.signing.hashing import ImageHashes, image_hashes
from bootmend.signing.index import CatalogIndex
from bootmend.signing.policy import KernelPolicy, prospect
from bootmend.signing.roots import Trust
from bootmend.signing.signature import Checker
from bootmend.signing.trustlist import member_hashes, trust_list
from bootmend.signing.verdict import NTSTATUS, Root, SignatureDetail, Status, Verdict
from bootmend.texts import say

_MICROSOFT_USAGES = {oids.WINDOWS, oids.WHCP, oids.ELAM}


class Auditor:
    """Verdicts on the files of one machine. `load_catalog` gives a catalog's bytes by the name it has in `index`.

    `now` is what signatures without a time stamp are judged at; the present where it is not given.
    """

    def __init__(
        self,
        index: CatalogIndex,
        load_catalog: Callable[[str], bytes],
        trust: Trust,
        policy: KernelPolicy,
        *,
        denied: DenyList = NOTHING_DENIED,
        now: datetime | None = None,
    ) -> None:
        self.index = index
        self.policy = policy
        self._load = load_catalog
        self._denied = denied
        self._checker = Checker(trust, denied, now or datetime.now(UTC))
        self._catalogs: dict[str, tuple[SignatureDetail, frozenset[bytes]]] = {}

    def audit(self, data: bytes, file: str) -> Verdict:
        """The verdict on the image `data`; never raises for what is in it."""
        try:
            pe = Pe.parse(data, file)
        except ParseError as error:
            return _no_image(file, str(error))
        if self.policy.machine and pe.machine != self.policy.machine:
            wanted, found = f"{self.policy.machine:#06x}", f"{pe.machine:#06x}"
            return _no_image(file, say("signing.other_machine", wanted=wanted, found=found))
        self._checker.effort.earn()
        hashes = image_hashes(data, pe)
        details = [*self._embedded(data, pe, hashes), *self._listed(hashes)]
        return self._verdict(pe, hashes, details)

    def catalog_verdict(self, name: str) -> SignatureDetail:
        """The best signature of one catalog, checked the first time it is asked for."""
        return self._catalog(name)[0]

    def _embedded(self, data: bytes, pe: Pe, hashes: ImageHashes) -> list[SignatureDetail]:
        if not pe.claims_certificates:
            return []
        subject = ImageSubject(data, pe, hashes)
        found: list[SignatureDetail] = []
        source = say("signing.embedded")
        try:
            for number, message in enumerate(embedded_messages(data, pe), 1):
                name = source if number == 1 else f"{source} {number}"
                found.extend(self._checker.check(message, pe.file, name, subject))
        except ParseError as error:
            found.append(SignatureDetail(source, Status.HASH_MISMATCH, str(error)))
        if not found:
            found.append(SignatureDetail(source, Status.HASH_MISMATCH, say("signing.no_message")))
        return found

    def _listed(self, hashes: ImageHashes) -> Iterator[SignatureDetail]:
        """The catalogs that list the image, up to the first whose own signature is valid."""
        names: dict[str, None] = {}
        for digest in (hashes.sha256, hashes.sha1):
            names.update(dict.fromkeys(self.index.lookup(digest)))
        for name in names:
            detail, members = self._catalog(name)
            if detail.status is Status.VALID and members.isdisjoint((hashes.sha256, hashes.sha1)):
                continue  # it is no longer the catalog that was indexed
            yield detail
            if detail.status is Status.VALID:
                return

    def _catalog(self, name: str) -> tuple[SignatureDetail, frozenset[bytes]]:
        known = self._catalogs.get(name)
        if known is None:
            self._checker.effort.earn()
            try:
                data = self._load(name)
                found = self._checker.check(data, name, name, _ListSubject(data, name))
                members = frozenset(member_hashes(data, name))
                # One nested in it speaks for the catalog as well.
                known = replace(min(found, key=lambda one: one.rank), source=name), members
            except InputError as error:
                known = SignatureDetail(name, Status.HASH_MISMATCH, str(error)), frozenset()
            self._catalogs[name] = known
        return known

    def _verdict(self, pe: Pe, hashes: ImageHashes, details: list[SignatureDetail]) -> Verdict:
        best = min(details, key=lambda one: (one.rank, one.root is Root.CROSS), default=None)
        status = best.status if best else Status.NOT_SIGNED
        notes = []
        if not {hashes.sha1, hashes.sha256}.isdisjoint(self._denied.images):
            status = Status.REVOKED
            notes.append(say("signing.image_denied"))
        if best is None:
            notes.append(say("signing.in_no_catalog", count=len(self.index.names)))
        checksum_matches = pe.checksum == pe.compute_checksum()
        if not checksum_matches:
            notes.append(say("signing.checksum", found=f"{pe.checksum:#x}"))
        outlook = prospect(status, best, self.policy)
        evidence = [Evidence(f"{pe.file}: {one.source}", one.why) for one in details]
        evidence += [Evidence(pe.file, note) for note in (*notes, *outlook.reasons)]
        valid = [one for one in details if one.status is Status.VALID]
        return Verdict(
            status=status,
            ntstatus=NTSTATUS[status],
            embedded=pe.claims_certificates,
            catalog=next((one.source for one in valid if one.source in self._catalogs), None),
            signer=best.signer if best else None,
            microsoft=any(_is_microsoft(one) for one in valid),
            kernel_would_refuse=outlook.refuses,
            confidence=outlook.confidence,
            sha1=hashes.sha1.hex(),
            sha256=hashes.sha256.hex(),
            checksum_matches=checksum_matches,
            evidence=tuple(evidence),
            signatures=tuple(details),
        )


class _ListSubject:
    """What every signature in a catalog must sign: the list that was indexed, those nested in it included.

    A genuine catalog of other files, nested in a forged one, would else vouch for the forger's list.
    """

    def __init__(self, catalog: bytes, name: str) -> None:
        self._list = trust_list(open_envelope(catalog, name)).element.whole

    def __call__(self, envelope: Envelope) -> str:
        return "" if trust_list(envelope).element.whole == self._list else say("signing.other_list")


def _is_microsoft(detail: SignatureDetail) -> bool:
    """Only Microsoft signs below its own roots; below an extra root the leaf must say that it is for Windows."""
    if detail.root is Root.MICROSOFT:
        return True
    return detail.root is Root.EXTRA and not _MICROSOFT_USAGES.isdisjoint(detail.usages)


def _no_image(file: str, why: str) -> Verdict:
    status = Status.NOT_A_DRIVER
    return Verdict(status, NTSTATUS[status], kernel_would_refuse=True, evidence=(Evidence(file, why),))
