"""A signed message (CMS SignedData) taken apart by offsets, without any cryptography.

    ContentInfo: OID signedData, [0] SignedData
      version, digest algorithms,
      content: OID, [0] what is signed
      [0] certificates, [1] revocation lists, signers

The catalog index and the signature check both read through here, so what the one indexes is what the
other has verified. Source: RFC 5652, 5.1; PKCS #7 1.5 for the content that is no OCTET STRING.
"""

from __future__ import annotations

from dataclasses import dataclass

from bootmend.signing import der
from bootmend.signing.der import Element

_SIGNED_DATA = der.oid("1.2.840.113549.1.7.2")
_MOST_CERTIFICATES = 256
_MOST_SIGNERS = 16


@dataclass(frozen=True, slots=True)
class Envelope:
    """The parts of one signed message; `content` is the element inside the explicit [0], None if detached."""

    content_type: bytes
    """Object identifier, its DER content bytes."""
    content: Element | None
    certificates: Element | None
    signers: Element

    def certificate_list(self) -> list[bytes]:
        """The X.509 certificates in it, each as DER; other kinds of certificates are left out."""
        if self.certificates is None:
            return []
        return [one.whole for one in self.certificates.children(_MOST_CERTIFICATES) if one.tag == der.SEQUENCE]

    def signer_list(self) -> list[bytes]:
        return [one.expect(der.SEQUENCE, "a signer").whole for one in self.signers.children(_MOST_SIGNERS)]


def open_envelope(data: bytes, file: str) -> Envelope:
    """The signed message that `data` starts with; ParseError where it is none."""
    outer = der.whole(data, file, der.SEQUENCE, "a signed message (SEQUENCE)")
    kind, wrapped = _pair(outer)
    if kind.expect(der.OID, "a content type").content != _SIGNED_DATA:
        raise kind.fail("the content type signedData")
    body = wrapped.expect(der.CONTEXT, "[0] with the signed data").only(der.SEQUENCE, "SignedData")
    parts = list(body.children(8))
    if len(parts) < 4:
        raise body.fail("version, algorithms, content and signers", f"{len(parts)} elements")
    inner = list(parts[2].expect(der.SEQUENCE, "the signed content").children(2))
    if not inner:
        raise parts[2].fail("a content type")
    certificates: Element | None = None
    for part in parts[3:-1]:
        if part.tag == der.CONTEXT:
            certificates = part
        elif part.tag != der.CONTEXT + 1:
            raise part.fail("[0] certificates or [1] revocation lists", f"tag {part.tag:#04x}")
    explicit = inner[1].expect(der.CONTEXT, "[0] with the content") if len(inner) > 1 else None
    return Envelope(
        content_type=inner[0].expect(der.OID, "a content type").content,
        content=der.element(data, explicit.body, explicit.end, file) if explicit else None,
        certificates=certificates,
        signers=parts[-1].expect(der.SET, "the set of signers"),
    )


def _pair(outer: Element) -> tuple[Element, Element]:
    parts = list(outer.children(2))
    if len(parts) != 2:
        raise outer.fail("a type and a content", f"{len(parts)} elements")
    return parts[0], parts[1]
