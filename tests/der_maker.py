"""DER built by hand, so that a test can also build it wrong."""

from __future__ import annotations

from bootmend.signing import der


def tlv(tag: int, *parts: bytes) -> bytes:
    """One element around `parts`."""
    content = b"".join(parts)
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    size = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + content


def seq(*parts: bytes) -> bytes:
    return tlv(der.SEQUENCE, *parts)


def set_of(*parts: bytes) -> bytes:
    return tlv(der.SET, *sorted(parts))


def oid(dotted: str) -> bytes:
    return tlv(der.OID, der.oid(dotted))


def octets(content: bytes) -> bytes:
    return tlv(der.OCTETS, content)


def explicit(number: int, *parts: bytes) -> bytes:
    return tlv(der.CONTEXT + number, *parts)


def integer(value: int) -> bytes:
    return tlv(der.INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def algorithm(dotted: str) -> bytes:
    return seq(oid(dotted), tlv(5))


def name_value(name: str, value: str) -> bytes:
    """CAT_NAMEVALUE: an attribute of a catalog or of its member."""
    return seq(
        tlv(der.BMP_TEXT, name.encode("utf-16-be")),
        tlv(der.INTEGER, bytes.fromhex("10010001")),
        octets((value + "\0").encode("utf-16-le")),
    )


def member(identifier: bytes, *attributes: bytes) -> bytes:
    return seq(octets(identifier), set_of(*attributes))


def trust_list(*members: bytes, version: int = 2, package: str = "", usage: str = "1.3.6.1.4.1.311.12.1.1") -> bytes:
    """The content of a catalog."""
    kind = "1.3.6.1.4.1.311.12.1.3" if version == 2 else "1.3.6.1.4.1.311.12.1.2"
    name = "1.3.6.1.4.1.311.12.2.1"
    extensions = [explicit(0, seq(seq(oid(name), octets(name_value("PackageName", package)))))] if package else []
    return seq(
        seq(oid(usage)),
        octets(bytes(range(16))),
        tlv(der.UTC_TIME, b"230801120000Z"),
        algorithm(kind),
        seq(*members),
        *extensions,
    )


def signed_message(content_type: str, content: bytes, certificates: bytes = b"", signers: bytes = b"") -> bytes:
    """ContentInfo of SignedData with `content` explicit in [0]; certificates and signers as concatenated DER."""
    body = seq(
        integer(1),
        tlv(der.SET, algorithm("2.16.840.1.101.3.4.2.1")),
        seq(oid(content_type), explicit(0, content)),
        *([tlv(der.CONTEXT, certificates)] if certificates else []),
        tlv(der.SET, signers),
    )
    return seq(oid("1.2.840.113549.1.7.2"), explicit(0, body))


TRUST_LIST = "1.3.6.1.4.1.311.10.1"


def catalog(*members: bytes, version: int = 2, package: str = "") -> bytes:
    """A catalog without a signer, as catfiletest leaves them."""
    return signed_message(TRUST_LIST, trust_list(*members, version=version, package=package))
