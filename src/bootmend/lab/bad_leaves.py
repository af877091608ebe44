"""Signers that a verifier must turn down, each for one reason.

Each is made on demand, with a key of its own, under the authority's genuine issuers wherever the fault
allows it, so that nothing but the fault can be the reason.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from bootmend.lab.authority import LabAuthority
from bootmend.lab.certificates import (
    CODE_SIGNING,
    SERVER_AUTH,
    WINDOWS_VERIFICATION,
    Leaf,
    Profile,
    issue,
    leaf,
)

LAPSED_SINCE = datetime(2011, 3, 1, tzinfo=UTC)
LAPSED_UNTIL = datetime(2013, 3, 1, tzinfo=UTC)
"""The life of `expired` leaves: a time stamp inside it makes their signatures good."""

_WINDOWS_USAGES = (CODE_SIGNING, WINDOWS_VERIFICATION)


def expired(authority: LabAuthority) -> Leaf:
    """A Windows-like leaf that was valid from `LAPSED_SINCE` to `LAPSED_UNTIL`, and can be time-stamped."""
    profile = Profile(
        name="bootmend lab Windows, expired", usages=_WINDOWS_USAGES, since=LAPSED_SINCE, until=LAPSED_UNTIL
    )
    return _under(authority, profile)


def tls_only(authority: LabAuthority) -> Leaf:
    """A web server's certificate used to sign code: its extended key usage does not say code signing."""
    return _under(authority, Profile(name="bootmend lab web server", usages=(SERVER_AUTH,)))


def issued_by_leaf(authority: LabAuthority) -> Leaf:
    """Issued by the vendor's leaf, which is no CA: what anyone with a signing certificate could make."""
    profile = Profile(name="bootmend lab Windows, issued by no CA", usages=_WINDOWS_USAGES)
    issuers = (authority.vendor.identity, authority.vendor_ca, authority.root)
    return leaf(profile, issuers, _seed(authority), authority.stamper)


def foreign(authority: LabAuthority) -> Leaf:
    """From a root and an intermediate that bear the lab's own names, with keys that are not the lab's."""
    seed = _seed(authority)
    root = issue(Profile(name=authority.root.name, ca=True), None, seed)
    pca = issue(Profile(name=authority.pca.name, ca=True), root, seed)
    profile = Profile(name=authority.windows.name, usages=_WINDOWS_USAGES)
    made = leaf(profile, (pca, root), seed, authority.stamper)
    # The root goes along: a verifier must not believe a root because a signature carries it.
    return replace(made, chain=(*made.chain, root.der))


def self_signed(authority: LabAuthority) -> Leaf:
    """A code signing certificate that vouches for itself, as test signing leaves them on machines."""
    profile = Profile(name="bootmend lab test certificate", usages=(CODE_SIGNING,))
    return leaf(profile, (), _seed(authority), authority.stamper)


def without_intermediate(good: Leaf) -> Leaf:
    """The same leaf, whose signatures do not carry the intermediate: the chain cannot be built from them."""
    return replace(good, chain=())


def _under(authority: LabAuthority, profile: Profile) -> Leaf:
    return leaf(profile, (authority.pca, authority.root), _seed(authority), authority.stamper)


def _seed(authority: LabAuthority) -> str:
    return f"bad leaves of {authority.root.certificate.serial_number}"
