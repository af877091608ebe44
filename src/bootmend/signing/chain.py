"""From a signer's certificate to a root, by every way there is; the best one counts.

A vendor's certificate often has two: to the vendor CA's own root, which the kernel does not take, and by
a cross-certificate to Microsoft's. Intermediates come from the signed message only, roots from `Trust` only.

Bounded against messages full of certificates with one name: at most 8 links, and 100 certificates looked at.

Source: RFC 5280, 6.1, as far as Windows' kernel follows it; extended key usages are nested, as CryptoAPI does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from bootmend.signing import oids
from bootmend.signing.certificate import Certificate, is_issued_by
from bootmend.signing.denied import DenyList
from bootmend.signing.effort import Effort
from bootmend.signing.roots import Trust, time_stamp_roots
from bootmend.signing.verdict import BEST_FIRST, Root, Status
from bootmend.texts import say

_LONGEST = 8
_MOST_STEPS = 100

CODE = frozenset({oids.CODE_SIGNING, oids.WINDOWS, oids.WHCP, oids.ELAM})
TIME_STAMPS = frozenset({oids.TIME_STAMPING})


@dataclass(frozen=True, slots=True)
class Chain:
    """One way from a leaf: VALID, or the status that says what is wrong with it."""

    status: Status
    why: str
    certificates: tuple[Certificate, ...]
    root: Root | None = None

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(one.common_name for one in self.certificates)


def best_chain(
    leaf: Certificate,
    pool: Sequence[Certificate],
    trust: Trust,
    denied: DenyList,
    usages: frozenset[str],
    at: datetime,
    effort: Effort,
) -> Chain:
    """The best chain from `leaf` for one of `usages`, judged at time `at`; intermediates from `pool`."""
    best: Chain | None = None
    for way, root in _ways(leaf, pool, trust, effort):
        chain = _judge(way, root, denied, usages, at)
        if best is None or _order(chain) < _order(best):
            best = chain
        if chain.status is Status.VALID and chain.root is not Root.CROSS:
            break
    assert best is not None  # _ways gives at least one
    return best


def _order(chain: Chain) -> tuple[int, bool]:
    return BEST_FIRST.index(chain.status), chain.root is Root.CROSS


def _ways(
    leaf: Certificate, pool: Sequence[Certificate], trust: Trust, effort: Effort
) -> Iterator[tuple[list[Certificate], Root | None]]:
    """Every path from `leaf` to a certificate that is a root, is self-signed, or whose issuer is not at hand."""
    steps = 0
    waiting = [[leaf]]
    while waiting:
        way = waiting.pop()
        top = way[-1]
        root = trust.trusts_root(top)
        if root is not None:
            yield way, root
            continue
        issuers: dict[Certificate, None] = {}
        for one in [*pool, *trust.named(top.issuer)]:
            if one in way or one in issuers or one.subject != top.issuer:
                continue
            steps += 1
            if steps <= _MOST_STEPS and effort.spend() and is_issued_by(top, one):
                issuers[one] = None
        if not issuers or len(way) >= _LONGEST:
            yield way, None
        else:
            waiting.extend([*way, one] for one in issuers)


def _judge(way: list[Certificate], root: Root | None, denied: DenyList, usages: frozenset[str], at: datetime) -> Chain:
    """The first thing that is wrong with one way, the worst first."""
    certificates = tuple(way)
    leaf, top = way[0], way[-1]

    def no(status: Status, why: str) -> Chain:
        return Chain(status, why, certificates, root)

    for one in way:
        if denied.denies(one):
            return no(Status.REVOKED, say("signing.revoked", name=one.common_name))
    if root is None and top.weak:
        return no(Status.UNTRUSTED, say("signing.weak_hash", name=top.common_name))
    if root is None and top.issuer != top.subject:
        return no(Status.CHAIN_INCOMPLETE, say("signing.no_issuer", name=top.common_name))
    anchored = root not in (None, Root.CROSS)
    unfit = _unfit(way, usages, anchored)
    if unfit:
        return no(Status.UNTRUSTED, unfit)
    if not _is_taken(top, root, usages):
        return no(Status.UNTRUSTED, say("signing.foreign_root", name=top.common_name))
    for one in way[: -1 if anchored and len(way) > 1 else None]:
        if not one.valid_at(at):
            until = f"{one.not_before:%Y-%m-%d} - {one.not_after:%Y-%m-%d}"
            return no(
                Status.EXPIRED, say("signing.out_of_date", name=one.common_name, until=until, at=f"{at:%Y-%m-%d}")
            )
    return Chain(
        Status.VALID, say("signing.chain_good", name=leaf.common_name, root=top.common_name), certificates, root
    )


def _is_taken(top: Certificate, root: Root | None, usages: frozenset[str]) -> bool:
    """The public programme vouches for times only: the kernel does not take its roots for code."""
    if root is Root.PUBLIC:
        return usages == TIME_STAMPS and top.der in time_stamp_roots()
    return root is not None


def _unfit(way: list[Certificate], usages: frozenset[str], anchored: bool) -> str:
    """Why these certificates may not do this together, whatever the time; empty where they may.

    An anchor is believed as it is; a way that ends in a cross-certificate has its anchor above its end.
    """
    leaf = way[0]
    left = set(usages)
    for number, one in enumerate(way):
        anchor = anchored and number == len(way) - 1 and number > 0
        if one.allows.strange and not anchor:
            return say("signing.strange_extension", name=one.common_name)
        if one.allows.usages is not None and oids.ANY_USAGE not in one.allows.usages:
            left &= one.allows.usages
        if number and not anchor and not (one.allows.is_ca and one.allows.signs_certificates):
            return say("signing.no_ca", name=one.common_name)
        longest = one.allows.path_length
        if number and longest is not None and number - 1 > longest:
            return say("signing.path_too_long", name=one.common_name)
    if leaf.allows.usages is None or not left or not leaf.allows.signs_data:
        return say("signing.wrong_usage", name=leaf.common_name)
    return ""
