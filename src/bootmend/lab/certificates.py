"""Certificates and the keys behind them, each named so that nobody takes it for a real one.

    Identity        a certificate and its private key: a root, an intermediate, ...
    Leaf            an Identity that signs things, with the intermediates its signatures carry
                    and the Leaf that time-stamps them

Every lab certificate is in the organisation `ORGANISATION` and has "bootmend lab" in its name.
RSA with SHA-256; PKCS #1 v1.5 signatures, as Windows' own files carry.

Sources: RFC 5280; Microsoft's enhanced key usages as in the table of "Driver Signing" (the OIDs of the
Windows and WHQL verification).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

ORGANISATION = "bootmend lab (for tests, vouched for by nobody)"

CODE_SIGNING = ExtendedKeyUsageOID.CODE_SIGNING.dotted_string
TIME_STAMPING = ExtendedKeyUsageOID.TIME_STAMPING.dotted_string
SERVER_AUTH = ExtendedKeyUsageOID.SERVER_AUTH.dotted_string
WINDOWS_VERIFICATION = "1.3.6.1.4.1.311.10.3.6"
WHCP_VERIFICATION = "1.3.6.1.4.1.311.10.3.5"

EPOCH = datetime(2010, 1, 1, tzinfo=UTC)
"""From when lab certificates are valid, unless they are made otherwise."""
FAR = datetime(2049, 12, 31, tzinfo=UTC)
"""Until when: the last full year that UTCTime can name."""

_DIGESTS: dict[str, hashes.HashAlgorithm] = {
    "sha1": hashes.SHA1(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
}


@dataclass(frozen=True)
class Identity:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey

    @cached_property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @cached_property
    def issuer_name(self) -> bytes:
        """The issuer's distinguished name as it stands in the certificate, DER."""
        return self.certificate.issuer.public_bytes()

    @property
    def name(self) -> str:
        return str(self.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)

    def sign(self, data: bytes, digest: str = "sha256") -> bytes:
        """The PKCS #1 v1.5 signature over `data`."""
        return self.key.sign(data, padding.PKCS1v15(), _DIGESTS[digest])


@dataclass(frozen=True)
class Leaf:
    """Who signs a file: `chain` holds the intermediates (DER) that go into the signature; never the root."""

    identity: Identity
    chain: tuple[bytes, ...]
    stamper: Leaf | None = None

    @property
    def name(self) -> str:
        return self.identity.name


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What a certificate shall say. `usages` are the dotted OIDs of its extended key usage; none leaves it out."""

    name: str
    ca: bool = False
    usages: tuple[str, ...] = ()
    since: datetime = EPOCH
    until: datetime = FAR
    bits: int = 2048


def issue(profile: Profile, issuer: Identity | None, seed: str) -> Identity:
    """A new key and its certificate, signed by `issuer`, or by itself where that is None.

    The serial number is made of `seed` and the name, so it repeats; keys are always new and random.
    """
    key = rsa.generate_private_key(public_exponent=65537, key_size=profile.bits)
    subject = _name(profile.name)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(_serial(seed, profile.name))
        .not_valid_before(profile.since)
        .not_valid_after(profile.until)
        .add_extension(x509.BasicConstraints(ca=profile.ca, path_length=None), critical=True)
        .add_extension(_key_usage(profile.ca), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    parent = issuer.key if issuer else key
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(parent.public_key()), critical=False
    )
    if profile.usages:
        # RFC 3161, 2.3: a time stamping certificate's only usage must be marked critical.
        usage = x509.ExtendedKeyUsage([ObjectIdentifier(usage) for usage in profile.usages])
        builder = builder.add_extension(usage, critical=profile.usages == (TIME_STAMPING,))
    return Identity(builder.sign(parent, hashes.SHA256()), key)


def leaf(profile: Profile, issuers: Sequence[Identity], seed: str, stamper: Leaf | None = None) -> Leaf:
    """A leaf under `issuers`, the nearest first; its signatures carry those that are not self-signed."""
    identity = issue(profile, issuers[0] if issuers else None, seed)
    chain = tuple(one.der for one in issuers if one.certificate.subject != one.certificate.issuer)
    return Leaf(identity, chain, stamper)


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANISATION),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _serial(seed: str, name: str) -> int:
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return int.from_bytes(digest[:16], "big") >> 1 | 1


def _key_usage(ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        key_cert_sign=ca,
        crl_sign=ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
