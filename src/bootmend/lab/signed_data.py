"""CMS SignedData as catalogs, Authenticode signatures and time stamps use it.

    ContentInfo { signedData, SignedData { version, digests, content, certificates, one SignerInfo } }

Microsoft's content stands bare inside `[0]` (PKCS #7 1.5), RFC 3161's inside an OCTET STRING; in both
the message digest covers the content octets of that one element, without its identifier and length.

Sources: RFC 5652; RFC 2315; Microsoft, "Windows Authenticode Portable Executable Signature Format".
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from bootmend.lab import der
from bootmend.lab.certificates import Leaf

SIGNED_DATA = "1.2.840.113549.1.7.2"
_CONTENT_TYPE = "1.2.840.113549.1.9.3"
_MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
_RSA = "1.2.840.113549.1.1.1"
_DIGESTS = {"sha1": "1.3.14.3.2.26", "sha256": "2.16.840.1.101.3.4.2.1", "sha384": "2.16.840.1.101.3.4.2.2"}

Unsigned = Callable[[bytes], Sequence[bytes]]
"""Given the signature value, the unsigned attributes to put beside it."""


def algorithm(dotted: str) -> bytes:
    """An AlgorithmIdentifier without parameters (NULL, as Microsoft writes them)."""
    return der.sequence(der.oid(dotted), der.NULL)


def digest_algorithm(digest: str) -> bytes:
    return algorithm(_DIGESTS[digest])


def attribute(dotted: str, *values: bytes) -> bytes:
    return der.sequence(der.oid(dotted), der.set_of(*values))


def signed_data(
    content_type: str,
    element: bytes,
    leaf: Leaf,
    *,
    attributes: Sequence[bytes] = (),
    unsigned: Unsigned | None = None,
    digest: str = "sha256",
    version: int = 1,
) -> bytes:
    """A ContentInfo with `element` (DER) signed by `leaf`; `attributes` are signed along with it."""
    message_digest = hashlib.new(digest, der.content_of(element)).digest()
    signed = sorted(
        (
            attribute(_CONTENT_TYPE, der.oid(content_type)),
            attribute(_MESSAGE_DIGEST, der.octets(message_digest)),
            *attributes,
        )
    )
    # RFC 5652, 5.4: what is signed has the tag of a SET OF, what is stored that of [0].
    signature = leaf.identity.sign(der.tlv(0x31, *signed), digest)
    beside = unsigned(signature) if unsigned else ()
    identity = leaf.identity
    signer = der.sequence(
        der.integer(1),
        der.sequence(identity.issuer_name, der.integer(identity.certificate.serial_number)),
        digest_algorithm(digest),
        der.explicit(0, *signed),
        algorithm(_RSA),
        der.octets(signature),
        der.explicit(1, *sorted(beside)) if beside else b"",
    )
    certificates = (identity.der, *leaf.chain)
    digests = digest_algorithm(digest)
    return _content_info(content_type, element, version=version, digests=digests, certs=certificates, signer=signer)


def unsigned_data(content_type: str, element: bytes) -> bytes:
    """The same envelope with neither certificates nor a signer, as unsigned catalogs come."""
    return _content_info(content_type, element, version=1, digests=b"", certs=(), signer=b"")


def _content_info(
    content_type: str, element: bytes, *, version: int, digests: bytes, certs: Sequence[bytes], signer: bytes
) -> bytes:
    body = der.sequence(
        der.integer(version),
        der.set_of(digests),
        der.sequence(der.oid(content_type), der.explicit(0, element)),
        der.explicit(0, *sorted(certs)) if certs else b"",
        der.set_of(signer),
    )
    return der.sequence(der.oid(SIGNED_DATA), der.explicit(0, body))
