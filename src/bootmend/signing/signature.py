"""One signed message checked from its bytes to its root: the heart of the verdict on an image or a catalog.

    does the message say what it should  ->  is it signed by whom it says  ->  when  ->  may they

The first two fail as HASH_MISMATCH (damage, or a change after signing); a chain that is not good gives its
own status. Signatures nested in a message (1.3.6.1.4.1.311.2.4.1) are checked beside it: WinDivert64.sys has
its vendor's first and Microsoft's nested, and up to 27 in one file have been seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from bootmend.errors import ParseError
from bootmend.signing import oids
from bootmend.signing.certificate import Certificate
from bootmend.signing.chain import CODE, best_chain
from bootmend.signing.denied import DenyList
from bootmend.signing.effort import Effort
from bootmend.signing.envelope import Envelope, open_envelope
from bootmend.signing.pool import readable
from bootmend.signing.roots import Trust
from bootmend.signing.signer import Signer, read_signer
from bootmend.signing.timestamp import stamp_of
from bootmend.signing.verdict import SignatureDetail, Status
from bootmend.texts import say

_MOST_NESTED = 64

Subject = Callable[[Envelope], str]
"""Says what is wrong with the content of a message; an empty text where it is what should be signed."""


@dataclass(frozen=True, slots=True)
class Checker:
    """Under which trust, and at what time, signatures are judged."""

    trust: Trust
    denied: DenyList
    now: datetime
    effort: Effort = field(default_factory=Effort)

    def check(self, data: bytes, file: str, source: str, subject: Subject) -> list[SignatureDetail]:
        """Every signature in the message `data`, its own first, then those nested in it."""
        found: list[SignatureDetail] = []
        waiting = [(data, source)]
        while waiting and len(found) < _MOST_NESTED:
            message, name = waiting.pop(0)
            if not self.effort.spend():
                found.append(SignatureDetail(name, Status.CHAIN_INCOMPLETE, say("signing.too_much")))
                break
            try:
                envelope = open_envelope(message, file)
                signers = [read_signer(one, file) for one in envelope.signer_list()]
                pool = readable(envelope.certificate_list(), self.effort)
                wrong = subject(envelope)
            except ParseError as error:
                found.append(SignatureDetail(name, Status.HASH_MISMATCH, str(error)))
                continue
            if not signers:
                found.append(SignatureDetail(name, Status.NOT_SIGNED, say("signing.no_signer")))
            for signer in signers:
                found.append(self._one(signer, envelope, pool, name, wrong))
                waiting.extend(_nested(signer, source))
        return found

    def _one(
        self, signer: Signer, envelope: Envelope, pool: list[Certificate], source: str, wrong: str
    ) -> SignatureDetail:
        leaf = next((one for one in pool if signer.is_by(one)), None)
        digest = signer.algorithm or None
        name = leaf.common_name if leaf else None

        def broken(why: str) -> SignatureDetail:
            return SignatureDetail(source, Status.HASH_MISMATCH, why, signer=name, digest=digest)

        if wrong:
            return broken(wrong)
        if not signer.algorithm:
            return SignatureDetail(source, Status.UNTRUSTED, say("signing.unknown_hash"), signer=name)
        if envelope.content is None or not signer.covers(envelope.content.content, envelope.content_type):
            return broken(say("signing.message_changed"))
        if leaf is None:
            return SignatureDetail(source, Status.CHAIN_INCOMPLETE, say("signing.no_signer_certificate"), digest=digest)
        if not signer.is_signed_by(leaf):
            return broken(say("signing.signature_broken", name=leaf.common_name))
        return self._chained(signer, leaf, pool, source)

    def _chained(self, signer: Signer, leaf: Certificate, pool: list[Certificate], source: str) -> SignatureDetail:
        stamp = stamp_of(signer, pool, self.trust, self.denied, self.effort)
        stamped = stamp.time if stamp else None
        usages = leaf.allows.usages or frozenset()
        at = stamped if stamped and oids.LIFETIME_SIGNING not in usages else self.now
        chain = best_chain(leaf, pool, self.trust, self.denied, CODE, at, self.effort)
        why = chain.why
        if stamp and (stamped or chain.status is not Status.VALID):
            why = f"{why} {stamp.why}"
        return SignatureDetail(
            source=source,
            status=chain.status,
            why=why,
            signer=leaf.common_name,
            chain=chain.names,
            root=chain.root,
            usages=usages,
            issued=leaf.not_before,
            stamped=stamped,
            digest=signer.algorithm,
        )


def _nested(signer: Signer, source: str) -> Iterator[tuple[bytes, str]]:
    for number, nested in enumerate(signer.unsigned.get(oids.NESTED_SIGNATURE, []), 1):
        yield nested.whole, say("signing.nested", source=source, number=number)
