"""One X.509 certificate, reduced to what decides about a chain.

Parsing and arithmetic are `cryptography`'s; a certificate it cannot read is a ParseError, and a chain
simply does without it. Source: RFC 5280, 4.1 and 4.2.
"""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes, PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from bootmend.errors import ParseError
from bootmend.signing import extensions
from bootmend.signing.extensions import Extensions

_BROKEN_HASHES = ("md5", "md2", "md4")
_LONGEST_NAME = 200
_LARGEST_KEY = 8192
"""Bits of an RSA key; the time of a check grows with their square, and no code signer has more than 4096."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """Equal when the DER is equal. Names are raw DER: a chain compares them as they stand."""

    der: bytes
    subject: bytes
    issuer: bytes
    serial: int
    common_name: str
    not_before: datetime
    not_after: datetime
    allows: Extensions
    weak: bool
    """Signed over MD5 or older; a forged one was used against Windows itself (Flame, 2012)."""

    @property
    def thumbprint(self) -> str:
        return hashlib.sha1(self.der, usedforsecurity=False).hexdigest()

    def valid_at(self, time: datetime) -> bool:
        return self.not_before <= time <= self.not_after

    def __hash__(self) -> int:
        return hash(self.der)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Certificate) and self.der == other.der


def key_pin(key: PublicKeyTypes) -> str:
    """SHA-256 of a public key (SubjectPublicKeyInfo), hex: the same key may stand in several certificates."""
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


@lru_cache(maxsize=4096)
def _parsed(der: bytes) -> x509.Certificate:
    return x509.load_der_x509_certificate(der)


def public_key(certificate: Certificate) -> CertificatePublicKeyTypes:
    """The key as `cryptography` has it; ParseError where it is of no known kind."""
    try:
        key = _parsed(certificate.der).public_key()
        if isinstance(key, rsa.RSAPublicKey) and key.key_size > _LARGEST_KEY:
            raise ValueError(f"RSA of {key.key_size} bits")
        return key
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ParseError(certificate.common_name, 0, "a public key of a known kind", str(error)) from None


@lru_cache(maxsize=4096)
def load(der: bytes) -> Certificate:
    """The certificate `der`; ParseError where it cannot be read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # old roots have serial numbers that are not positive
        return _load(der)


def _load(der: bytes) -> Certificate:
    try:
        parsed = _parsed(der)
        names = parsed.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        algorithm = parsed.signature_algorithm_oid._name.lower()
        return Certificate(
            der=der,
            subject=parsed.subject.public_bytes(),
            issuer=parsed.issuer.public_bytes(),
            serial=parsed.serial_number,
            common_name=_readable(str(names[0].value) if names else parsed.subject.rfc4514_string()),
            not_before=parsed.not_valid_before_utc,
            not_after=parsed.not_valid_after_utc,
            allows=extensions.read(parsed, der),
            weak=any(name in algorithm for name in _BROKEN_HASHES),
        )
    except Exception as error:  # two parsers, whose errors on hostile bytes have no common root (x509.InvalidVersion)
        raise ParseError("certificate", 0, "an X.509 certificate", str(error)) from None


def _readable(name: str) -> str:
    """Names come off the disk and go to a terminal: no control characters, no endless ones."""
    return "".join(one if one.isprintable() else "?" for one in name[:_LONGEST_NAME])


@lru_cache(maxsize=8192)
def is_issued_by(child: Certificate, issuer: Certificate) -> bool:
    """The names fit and the issuer's key verifies the child's signature. CA flags are `chain.py`'s matter."""
    try:
        return child.issuer == issuer.subject and is_signed_with(child, public_key(issuer))
    except ParseError:
        return False


def is_signed_with(child: Certificate, key: PublicKeyTypes) -> bool:
    """The signature of `child` was made with the private half of `key`, over a hash that cannot be forged.

    Not `verify_directly_issued_by`: that refuses SHA-1, and vendors' chains up to 2015 are SHA-1.
    """
    if child.weak:
        return False
    parsed = _parsed(child.der)
    try:
        how, kind = parsed.signature_algorithm_parameters, parsed.signature_hash_algorithm
        if isinstance(key, rsa.RSAPublicKey) and isinstance(how, padding.PKCS1v15 | padding.PSS) and kind:
            key.verify(parsed.signature, parsed.tbs_certificate_bytes, how, kind)
        elif isinstance(key, ec.EllipticCurvePublicKey) and isinstance(how, ec.ECDSA):
            key.verify(parsed.signature, parsed.tbs_certificate_bytes, how)
        else:
            return False
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True
