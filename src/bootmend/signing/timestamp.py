"""When a signature was made, proved by a third party.

    RFC 3161 token      a signed message whose content holds the hash of the signature, and the time
    counter-signature   a signer over the signature itself, the time among its signed attributes (before 2015)

A stamp counts only if everything about it is good: its hash, its own signature, and a chain for time stamping
to a root. Any other is as good as none, and its `why` says so.

Source: RFC 3161, 2.4.2; RFC 5652, 11.4; Microsoft's attribute 1.3.6.1.4.1.311.3.3.1.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bootmend.errors import ParseError
from bootmend.signing import der, oids
from bootmend.signing.certificate import Certificate
from bootmend.signing.chain import TIME_STAMPS, best_chain
from bootmend.signing.denied import DenyList
from bootmend.signing.der import Element
from bootmend.signing.effort import Effort
from bootmend.signing.envelope import open_envelope
from bootmend.signing.pool import readable
from bootmend.signing.roots import Trust
from bootmend.signing.signer import Signer, read_signer
from bootmend.signing.verdict import Status
from bootmend.texts import say

_MOST_STAMPS = 4


@dataclass(frozen=True, slots=True)
class Stamp:
    """`time` is None where the stamp is not believed, and `why` says so."""

    time: datetime | None
    why: str


def stamp_of(
    signer: Signer, pool: Sequence[Certificate], trust: Trust, denied: DenyList, effort: Effort
) -> Stamp | None:
    """The earliest time that a good stamp of this signer proves; None where it has no stamp at all."""
    stamps = []
    for number, stamp in enumerate(_stamps(signer, pool, trust, denied, effort)):
        if number >= _MOST_STAMPS:
            break
        stamps.append(stamp)
    good = [one for one in stamps if one.time is not None]
    if good:
        return min(good, key=lambda one: one.time or datetime.max.replace(tzinfo=UTC))
    return stamps[0] if stamps else None


def _stamps(
    signer: Signer, pool: Sequence[Certificate], trust: Trust, denied: DenyList, effort: Effort
) -> Iterator[Stamp]:
    tokens = signer.unsigned.get(oids.TIME_STAMP_TOKEN, []) + signer.unsigned.get(oids.TIME_STAMP_TOKEN_CMS, [])
    for token in tokens:
        try:
            yield _token(token.whole, signer, pool, trust, denied, effort)
        except ParseError as error:
            yield Stamp(None, str(error))
    for counter in signer.unsigned.get(oids.COUNTER_SIGNATURE, []):
        try:
            yield _counter_signature(read_signer(counter.whole, signer.file), signer, pool, trust, denied, effort)
        except ParseError as error:
            yield Stamp(None, str(error))


def _token(
    data: bytes, signer: Signer, pool: Sequence[Certificate], trust: Trust, denied: DenyList, effort: Effort
) -> Stamp:
    envelope = open_envelope(data, signer.file)
    if envelope.content is None or envelope.content_type != oids.TIME_STAMP_INFO:
        raise ParseError(signer.file, 0, "a time stamp token")
    info = list(der.whole(envelope.content.content, signer.file, der.SEQUENCE, "time stamp information").children(12))
    if len(info) < 5:
        raise envelope.content.fail("version, policy, hash, serial number and time")
    if not _imprints(info[2], signer.signature):
        return Stamp(None, say("signing.stamp_other"))
    time = info[4].time()
    for raw in envelope.signer_list():
        stamper = read_signer(raw, signer.file)
        if not stamper.covers(envelope.content.content, oids.TIME_STAMP_INFO):
            return Stamp(None, say("signing.stamp_broken"))
        own = readable(envelope.certificate_list(), effort)
        return _judge(stamper, [*own, *pool], time, trust, denied, effort, bare=False)
    return Stamp(None, say("signing.stamp_broken"))


def _counter_signature(
    stamper: Signer, signer: Signer, pool: Sequence[Certificate], trust: Trust, denied: DenyList, effort: Effort
) -> Stamp:
    times = stamper.signed.get(oids.SIGNING_TIME, [])
    if not stamper.covers(signer.signature) or len(times) != 1:
        return Stamp(None, say("signing.stamp_other"))
    return _judge(stamper, pool, times[0].time(), trust, denied, effort, bare=True)


def _judge(
    stamper: Signer,
    pool: Sequence[Certificate],
    time: datetime,
    trust: Trust,
    denied: DenyList,
    effort: Effort,
    *,
    bare: bool,
) -> Stamp:
    leaf = next((one for one in pool if stamper.is_by(one)), None)
    if leaf is None:
        return Stamp(None, say("signing.stamp_no_certificate"))
    if not stamper.is_signed_by(leaf, bare=bare):
        return Stamp(None, say("signing.stamp_broken"))
    chain = best_chain(leaf, pool, trust, denied, TIME_STAMPS, time, effort)
    if chain.status is not Status.VALID:
        return Stamp(None, say("signing.stamp_untrusted", why=chain.why))
    return Stamp(time, say("signing.stamped", name=leaf.common_name, at=f"{time:%Y-%m-%d %H:%M} UTC"))


def _imprints(imprint: Element, signature: bytes) -> bool:
    """The message imprint is the hash of this signature."""
    parts = list(imprint.expect(der.SEQUENCE, "a message imprint").children(2))
    if len(parts) != 2:
        raise imprint.fail("an algorithm and a hash")
    name = oids.HASHES.get(parts[0].only(der.OID, "a hash algorithm").content)
    return bool(name) and hashlib.new(name or "", signature, usedforsecurity=False).digest() == parts[1].content
