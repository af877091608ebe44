"""One signer of a signed message (CMS SignerInfo), and whether its signature is good.

    SignerInfo: version, who (issuer and serial number, or key identifier), hash algorithm,
                [0] signed attributes, signature algorithm, signature, [1] unsigned attributes

What is signed are the signed attributes, as a SET; one of them holds the hash of the content. A signer
without them is not taken: Authenticode always has them, and without them a signature over some message
could be passed off as one over other content.

Source: RFC 5652, 5.3 and 5.4.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from bootmend.errors import ParseError
from bootmend.signing import der, oids
from bootmend.signing.certificate import Certificate, public_key
from bootmend.signing.der import Element

_MOST_ATTRIBUTES = 64
_MOST_VALUES = 64
_KEY_IDENTIFIER = 0x80
_HASHES = {"sha1": hashes.SHA1(), "sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signed, over what hash, with which attributes (object identifier -> values)."""

    file: str
    issuer: bytes
    """Name as raw DER; empty where the signer is named by `key_identifier`."""
    serial: int
    key_identifier: bytes
    algorithm: str
    """Hash algorithm, as `hashlib` names it; empty for one Windows does not accept."""
    padding: bytes
    """Signature algorithm, its object identifier."""
    signature: bytes
    signed_bytes: bytes
    """The signed attributes as they were signed; empty where there are none."""
    signed: dict[bytes, list[Element]] = field(repr=False)
    unsigned: dict[bytes, list[Element]] = field(repr=False)

    def is_by(self, certificate: Certificate) -> bool:
        if self.key_identifier:
            return certificate.allows.key_identifier == self.key_identifier
        return (certificate.issuer, certificate.serial) == (self.issuer, self.serial)

    def covers(self, content: bytes, content_type: bytes = b"") -> bool:
        """The signed attributes name this content (and its type, where given): exactly once each."""
        digests = self.signed.get(oids.MESSAGE_DIGEST, [])
        types = self.signed.get(oids.CONTENT_TYPE, [])
        if not self.algorithm or len(digests) != 1 or digests[0].tag != der.OCTETS:
            return False
        if content_type and [one.content for one in types] != [content_type]:
            return False
        digest = hashlib.new(self.algorithm, content, usedforsecurity=False).digest()
        return hmac.compare_digest(digest, digests[0].content)

    def is_signed_by(self, certificate: Certificate, *, bare: bool = False) -> bool:
        """The certificate's key made this signature. `bare`: the hash may stand in it without its algorithm.

        VeriSign's and Symantec's old counter-signatures are such (36 of 94 virtio drivers).
        """
        if not self.algorithm or not self.signed_bytes or self.padding == oids.RSA_PSS:
            return False
        kind = _HASHES[self.algorithm]
        digest = hashlib.new(self.algorithm, self.signed_bytes, usedforsecurity=False).digest()
        try:
            key = public_key(certificate)
            if isinstance(key, rsa.RSAPublicKey):
                if bare and self._is_bare(key, digest):
                    return True
                key.verify(self.signature, digest, padding.PKCS1v15(), Prehashed(kind))
                return True
            if isinstance(key, ec.EllipticCurvePublicKey):
                key.verify(self.signature, digest, ec.ECDSA(Prehashed(kind)))
                return True
        except (InvalidSignature, UnsupportedAlgorithm, ValueError, ParseError):
            return False
        return False

    def _is_bare(self, key: rsa.RSAPublicKey, digest: bytes) -> bool:
        try:
            return key.recover_data_from_signature(self.signature, padding.PKCS1v15(), None) == digest
        except (InvalidSignature, ValueError):
            return False


def read_signer(data: bytes, file: str) -> Signer:
    """The SignerInfo `data`; ParseError where it is broken."""
    outer = der.whole(data, file, der.SEQUENCE, "a signer")
    parts = list(outer.children(7))
    if len(parts) < 5:
        raise outer.fail("at least 5 parts of a signer", str(len(parts)))
    issuer, serial, identifier = _who(parts[1])
    algorithm = parts[2].expect(der.SEQUENCE, "a hash algorithm").only(der.OID, "a hash algorithm").content
    rest = parts[3:]
    signed = rest.pop(0) if rest[0].tag == der.CONTEXT else None
    if len(rest) < 2:
        raise outer.fail("a signature in the signer")
    method = rest[0].expect(der.SEQUENCE, "a signature algorithm").only(der.OID, "a signature algorithm").content
    unsigned = rest[2].expect(der.CONTEXT + 1, "[1] unsigned attributes") if len(rest) > 2 else None
    return Signer(
        file=file,
        issuer=issuer,
        serial=serial,
        key_identifier=identifier,
        algorithm=oids.HASHES.get(algorithm, ""),
        padding=method,
        signature=rest[1].expect(der.OCTETS, "a signature").content,
        signed_bytes=bytes([der.SET]) + signed.whole[1:] if signed else b"",
        signed=_attributes(signed) if signed else {},
        unsigned=_attributes(unsigned) if unsigned else {},
    )


def _who(part: Element) -> tuple[bytes, int, bytes]:
    if part.tag == _KEY_IDENTIFIER:
        return b"", 0, part.content
    name, *numbers = part.expect(der.SEQUENCE, "an issuer and a serial number").children(2)
    if not numbers:
        raise part.fail("a serial number")
    number = numbers[0].expect(der.INTEGER, "a serial number").content
    return name.whole, int.from_bytes(number, "big", signed=True), b""


def _attributes(parent: Element) -> dict[bytes, list[Element]]:
    found: dict[bytes, list[Element]] = {}
    for attribute in parent.children(_MOST_ATTRIBUTES):
        kind, *values = attribute.expect(der.SEQUENCE, "an attribute").children(2)
        if values:
            listed = values[0].expect(der.SET, "the values of an attribute").children(_MOST_VALUES)
            found.setdefault(kind.expect(der.OID, "the kind of an attribute").content, []).extend(listed)
    return found
