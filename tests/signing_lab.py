"""A small certificate authority and the signatures it makes, each part of which a test can spoil.

root -> intermediate -> leaf          and          root -> stamper
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from der_maker import algorithm, explicit, integer, octets, oid, seq, set_of, signed_message, tlv

from bootmend.formats.pe import Pe
from bootmend.signing import der
from bootmend.signing.hashing import image_digest

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

HASH_OIDS = {
    "sha1": "1.3.14.3.2.26",
    "sha256": "2.16.840.1.101.3.4.2.1",
    "sha384": "2.16.840.1.101.3.4.2.2",
    "sha512": "2.16.840.1.101.3.4.2.3",
    "md5": "1.2.840.113549.2.5",
}
CODE, WINDOWS, WHCP = "1.3.6.1.5.5.7.3.3", "1.3.6.1.4.1.311.10.3.6", "1.3.6.1.4.1.311.10.3.5"
TLS, STAMPING, LIFETIME = "1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.8", "1.3.6.1.4.1.311.10.3.13"
SIGNED = datetime(2020, 6, 1, tzinfo=UTC)
"""Within the life of every certificate that is not made to be out of date."""
NOW = datetime(2026, 11, 1, tzinfo=UTC)
"""After the life of the leaf: only a time stamp keeps its signatures alive."""


@dataclass(frozen=True)
class Identity:
    certificate: x509.Certificate
    key: Key

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)


@cache
def _key(name: str) -> Key:
    if name.startswith("ec"):
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def issue(
    name: str,
    issuer: Identity | None = None,
    *,
    usages: tuple[str, ...] | None = None,
    ca: bool | None = None,
    path_length: int | None = None,
    signs: bool = True,
    certifies: bool = True,
    years: tuple[int, int] = (2015, 2024),
    serial: int = 0,
    critical: str = "",
    key: str = "",
) -> Identity:
    """A certificate for `name`; `ca` None leaves the basic constraints out, `critical` adds such an extension."""
    own = _key(key or name)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(own.public_key())
        .serial_number(serial or int.from_bytes(hashlib.sha1(name.encode()).digest()[:8], "big") | 1)
        .not_valid_before(datetime(years[0], 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(years[1], 1, 1, tzinfo=UTC))
    )
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca, path_length), critical=True)
        usage = x509.KeyUsage(signs, False, False, False, False, certifies and ca, False, False, False)
        builder = builder.add_extension(usage, critical=True)
    if usages is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([x509.ObjectIdentifier(one) for one in usages]), False)
    if critical:
        builder = builder.add_extension(x509.UnrecognizedExtension(x509.ObjectIdentifier(critical), b"\5\0"), True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), False)
    signer = issuer.key if issuer else own
    return Identity(builder.sign(signer, hashes.SHA256()), own)


@cache
def root() -> Identity:
    return issue("test root", ca=True, years=(2010, 2040))


@cache
def intermediate() -> Identity:
    return issue("test intermediate", root(), ca=True, path_length=0, years=(2011, 2035))


@cache
def leaf() -> Identity:
    return issue("test leaf", intermediate(), ca=False, usages=(CODE, WHCP))


@cache
def stamper() -> Identity:
    return issue("test stamper", root(), ca=False, usages=(STAMPING,))


def attribute(kind: str, *values: bytes) -> bytes:
    return seq(oid(kind), set_of(*values))


def _raw_signature(key: Key, digest: bytes, kind: str, bare: bool) -> bytes:
    known = {"sha1": hashes.SHA1(), "sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(digest, ec.ECDSA(Prehashed(known[kind])))
    if bare or kind not in known:
        numbers = key.private_numbers()
        size = (key.key_size + 7) // 8
        block = b"\0\1" + b"\xff" * (size - 3 - len(digest)) + b"\0" + digest
        return pow(int.from_bytes(block, "big"), numbers.d, numbers.public_numbers.n).to_bytes(size, "big")
    return key.sign(digest, padding.PKCS1v15(), Prehashed(known[kind]))


@dataclass(frozen=True)
class Recipe:
    """How one signature is made; `replace` a field to spoil it."""

    by: Identity = field(default_factory=leaf)
    digest: str = "sha256"
    certificates: tuple[Identity, ...] | None = None
    """Beside the signer's own; the intermediate where not said."""
    with_own: bool = True
    stamp: str = ""
    """rfc3161, legacy or bare."""
    stamped_by: Identity = field(default_factory=stamper)
    stamp_time: datetime = SIGNED
    stamp_other: bool = False
    """The stamp is over some other signature."""
    stamp_says_when: bool = True
    """A token's signer states the time once more, as real ones do; osslsigncode 2.8 takes no token without it."""
    by_key_identifier: bool = False
    attributes: bool = True
    double_digest: bool = False
    nested: tuple[bytes, ...] = ()
    bare: bool = False
    spoil: bool = False
    """One bit of the signature is flipped."""

    def sign(self, content_type: str, content: bytes, signing_time: datetime | None = None) -> bytes:
        """A signed message with `content` (one DER element), attached."""
        inner = der.whole(content, "content", content[0], "content").content
        extra = (intermediate(),) if self.certificates is None else self.certificates
        if self.stamp in ("legacy", "bare"):
            extra = (*extra, self.stamped_by)
        listed = [self.by] if self.with_own else []
        certificates = b"".join(one.der for one in [*listed, *extra])
        return signed_message(content_type, content, certificates, self.signer_info(content_type, inner, signing_time))

    def signer_info(self, content_type: str, inner: bytes, signing_time: datetime | None = None) -> bytes:
        digest = hashlib.new(self.digest, inner).digest()
        attributes = [attribute("1.2.840.113549.1.9.3", oid(content_type))]
        attributes.append(attribute("1.2.840.113549.1.9.4", octets(digest)))
        if self.double_digest:
            attributes.append(attribute("1.2.840.113549.1.9.4", octets(bytes(len(digest)))))
        if signing_time:
            attributes.append(attribute("1.2.840.113549.1.9.5", utc_time(signing_time)))
        signed = hashlib.new(self.digest, set_of(*attributes)).digest() if self.attributes else digest
        signature = bytearray(_raw_signature(self.by.key, signed, self.digest, self.bare))
        if self.spoil:
            signature[-5] ^= 4
        unsigned = self._unsigned(bytes(signature))
        certificate = self.by.certificate
        who = seq(certificate.issuer.public_bytes(), integer(certificate.serial_number))
        if self.by_key_identifier:
            found = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
            who = tlv(0x80, found.value.digest)
        method = (
            "1.2.840.10045.4.3.2" if isinstance(self.by.key, ec.EllipticCurvePrivateKey) else "1.2.840.113549.1.1.1"
        )
        return seq(
            integer(1),
            who,
            algorithm(HASH_OIDS[self.digest]),
            *([explicit(0, *sorted(attributes))] if self.attributes else []),
            algorithm(method),
            octets(bytes(signature)),
            *([explicit(1, *unsigned)] if unsigned else []),
        )

    def _unsigned(self, signature: bytes) -> list[bytes]:
        found = []
        stamped = bytes(len(signature)) if self.stamp_other else signature
        if self.stamp == "rfc3161":
            found.append(attribute("1.3.6.1.4.1.311.3.3.1", self._token(stamped)))
        elif self.stamp:
            maker = Recipe(by=self.stamped_by, digest="sha1", bare=self.stamp == "bare")
            counter = maker.signer_info("1.2.840.113549.1.7.1", stamped, self.stamp_time)
            found.append(attribute("1.2.840.113549.1.9.6", counter))
        if self.nested:
            found.append(attribute("1.3.6.1.4.1.311.2.4.1", *self.nested))
        return found

    def _token(self, signature: bytes) -> bytes:
        imprint = seq(algorithm(HASH_OIDS["sha256"]), octets(hashlib.sha256(signature).digest()))
        time = tlv(der.GENERAL_TIME, f"{self.stamp_time:%Y%m%d%H%M%S}.25Z".encode())
        info = seq(integer(1), oid("1.2.3.4"), imprint, integer(7), time)
        maker = Recipe(by=self.stamped_by, certificates=())
        said = self.stamp_time if self.stamp_says_when else None
        return maker.sign("1.2.840.113549.1.9.16.1.4", octets(info), said)


def over_md5(identity: Identity, issuer: Identity) -> Identity:
    """The same certificate, signed over MD5 as certificates of the nineties are."""
    sha256, md5 = der.oid("1.2.840.113549.1.1.11"), der.oid("1.2.840.113549.1.1.4")
    body = identity.certificate.tbs_certificate_bytes.replace(sha256, md5)
    digest = seq(algorithm(HASH_OIDS["md5"]), octets(hashlib.md5(body).digest()))
    signature = _raw_signature(issuer.key, digest, "md5", bare=True)
    made = seq(body, algorithm("1.2.840.113549.1.1.4"), tlv(3, b"\0", signature))
    return Identity(x509.load_der_x509_certificate(made), identity.key)


def utc_time(moment: datetime) -> bytes:
    return tlv(der.UTC_TIME, f"{moment:%y%m%d%H%M%SZ}".encode())


def indirect_data(digest: bytes, kind: str = "sha256", subject: str = "1.3.6.1.4.1.311.2.1.15") -> bytes:
    """SpcIndirectDataContent: what an image's signature signs."""
    about = seq(oid(subject), seq(tlv(3, b"\0"), explicit(0, explicit(2, tlv(0x80)))))
    return seq(about, seq(algorithm(HASH_OIDS[kind]), octets(digest)))


SPC = "1.3.6.1.4.1.311.2.1.4"


def message(image: bytes, recipe: Recipe, kind: str = "sha256") -> bytes:
    """The signed message that vouches for `image` (unsigned)."""
    whole = image + bytes(-len(image) % 8)
    return recipe.sign(SPC, indirect_data(image_digest(whole, Pe.parse(whole, "image"), kind), kind))


def embed(image: bytes, *messages: bytes, kind: int = 2, counts_filling: bool = True) -> bytes:
    """`image` with these messages in its certificate table, and its checksum right.

    Each entry is filled up to 8 bytes; signtool counts the filling into its length, and osslsigncode up to 2.5
    reads no entry that does not. Some signers leave it out: `counts_filling` False.
    """
    whole = bytearray(image + bytes(-len(image) % 8))
    start = len(whole)
    for one in messages:
        filling = bytes(-len(one) % 8)
        length = 8 + len(one) + (len(filling) if counts_filling else 0)
        whole += length.to_bytes(4, "little") + (0x200).to_bytes(2, "little") + kind.to_bytes(2, "little")
        whole += one + filling
    pe = Pe.parse(bytes(whole[:start]), "image")
    assert pe.certificate_entry is not None
    entry = start.to_bytes(4, "little") + (len(whole) - start).to_bytes(4, "little")
    whole[pe.certificate_entry : pe.certificate_entry + 8] = entry
    checksum = Pe.parse(bytes(whole), "image").compute_checksum()
    whole[pe.checksum_offset : pe.checksum_offset + 4] = checksum.to_bytes(4, "little")
    return bytes(whole)


def signed_image(image: bytes, recipe: Recipe | None = None, **changes: object) -> bytes:
    """`image` with one embedded signature, by the recipe with `changes`."""
    made = replace(recipe or Recipe(stamp="rfc3161"), **changes)  # type: ignore[arg-type]  # fields by name
    return embed(image, message(image, made))
