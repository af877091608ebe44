"""What the signature check says of one file.

    SignatureDetail   one signature looked at: embedded, nested in it, or a catalog's
          │ any valid one is enough, as for Windows
    Verdict           the file: a status, the NTSTATUS it would stop with, the evidence

"Not valid" is a finding. That Windows will refuse the file is a prediction: `kernel_would_refuse`,
with its own `confidence`, under the policy given.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bootmend.findings import Confidence, Evidence


class Root(StrEnum):
    """What kind of root a chain ends in; `roots.py` says which are which."""

    MICROSOFT = "microsoft"
    CROSS = "cross"
    EXTRA = "extra"
    PUBLIC = "public"


class Status(StrEnum):
    """The best that any signature of the file gives."""

    VALID = "valid"
    NOT_SIGNED = "not_signed"
    """No signature in the file, and its hash in no catalog."""
    HASH_MISMATCH = "hash_mismatch"
    """The file or the signature itself is not what was signed: damage or a change after signing."""
    UNTRUSTED = "untrusted"
    """The hash is good; the chain is complete, but ends in a root the kernel does not take, or may not sign code."""
    EXPIRED = "expired"
    """A certificate was out of date when it signed, or is now where no time stamp proves when that was."""
    REVOKED = "revoked"
    CHAIN_INCOMPLETE = "chain_incomplete"
    """The hash is good; an issuer's certificate is not at hand, so nothing more can be said."""
    MISSING = "missing"
    """There is no such file."""
    NOT_A_DRIVER = "not_a_driver"
    """Not an image Windows would map: no PE, cut short, or for another processor."""


NTSTATUS = {
    Status.VALID: 0,
    Status.NOT_SIGNED: 0xC0000428,
    Status.HASH_MISMATCH: 0xC0000428,
    Status.UNTRUSTED: 0xC0000428,
    Status.CHAIN_INCOMPLETE: 0xC0000428,
    Status.EXPIRED: 0xC0000605,
    Status.REVOKED: 0xC0000603,
    Status.MISSING: 0xC0000034,
    Status.NOT_A_DRIVER: 0xC000007B,
}
"""STATUS_INVALID_IMAGE_HASH, STATUS_IMAGE_CERT_EXPIRED, STATUS_IMAGE_CERT_REVOKED, STATUS_OBJECT_NAME_NOT_FOUND and
STATUS_INVALID_IMAGE_FORMAT."""

BEST_FIRST = (
    Status.VALID,
    Status.REVOKED,
    Status.EXPIRED,
    Status.CHAIN_INCOMPLETE,
    Status.UNTRUSTED,
    Status.HASH_MISMATCH,
    Status.NOT_SIGNED,
)
"""How far a signature got: of several that are not valid, the one that got furthest speaks for the file.

What cannot be told (an issuer is not at hand) comes before what is known to be bad.
"""


@dataclass(frozen=True, slots=True)
class SignatureDetail:
    """One signature and how far it got."""

    source: str
    """`embedded`, `embedded, nested 1`, or the name of a catalog."""
    status: Status
    why: str
    signer: str | None = None
    """Common name of the leaf certificate."""
    chain: tuple[str, ...] = ()
    """Common names, leaf first, as far as it could be built."""
    root: Root | None = None
    usages: frozenset[str] = frozenset()
    """Extended key usages of the leaf, dotted."""
    issued: datetime | None = None
    """When the leaf certificate became valid: the cross-signing rule asks for it."""
    stamped: datetime | None = None
    """The time a trusted time stamp proves; None without one."""
    digest: str | None = None
    """Hash algorithm, as `hashlib` names it."""

    @property
    def rank(self) -> int:
        return BEST_FIRST.index(self.status)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of one file's signature; `sha1` and `sha256` are its Authenticode hashes in hex, if it has any."""

    status: Status
    ntstatus: int | None
    """What Windows would report; 0 when all is fine."""
    embedded: bool = False
    """The file has a certificate table, sound or not."""
    catalog: str | None = None
    """A catalog that lists the file and whose own signature is valid."""
    signer: str | None = None
    microsoft: bool = False
    """Signed by Microsoft: Windows' own files, its applications, or a vendor's driver through WHCP."""
    kernel_would_refuse: bool = False
    confidence: Confidence = Confidence.HIGH
    """In `kernel_would_refuse`, which is a prediction."""
    sha1: str = ""
    sha256: str = ""
    checksum_matches: bool = True
    """The PE checksum is right; no signature covers it. Windows may refuse a wrong one with 0xC0000221."""
    evidence: tuple[Evidence, ...] = ()
    signatures: tuple[SignatureDetail, ...] = ()
