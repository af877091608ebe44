"""The signatures inside a PE image: every certificate of its certificate table, and what each should sign.

    certificate table: WIN_CERTIFICATE (length, revision 2.0, type 2 = PKCS #7, message), each at a multiple of 8
    message content:   SpcIndirectDataContent: (kind of data, ...), (hash algorithm, hash of the image)

Source: Microsoft, "PE Format", "The Attribute Certificate Table"; "Windows Authenticode Portable Executable
Signature Format", "SpcIndirectDataContent".
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator

from bootmend.binary import View
from bootmend.formats.pe import Pe
from bootmend.signing import der, oids
from bootmend.signing.envelope import Envelope
from bootmend.signing.hashing import ImageHashes, image_digest
from bootmend.texts import say

_PKCS7 = 2
_MOST_CERTIFICATES = 64


def embedded_messages(data: bytes, pe: Pe) -> Iterator[bytes]:
    """Each signed message of the certificate table; ParseError where the table is not sound."""
    if pe.certificate_table is None:
        raise pe.view.fail(pe.certificate_entry or 0, "a certificate table behind all sections of the file")
    start, size = pe.certificate_table
    table = View(memoryview(data)[start : start + size], pe.file, start)
    at = 0
    count = 0
    while at + 8 <= size:
        length = table.u32(at, "the length of a certificate")
        if not length and not any(table.bytes(at, size - at)):
            return  # some signers fill the table up
        if length < 8 or at + length > size:
            raise table.fail(at, f"a certificate of 8 to {size - at} bytes", str(length))
        count += 1
        if count > _MOST_CERTIFICATES:
            raise table.fail(at, f"at most {_MOST_CERTIFICATES} certificates")
        if table.u16(at + 6) == _PKCS7:
            yield table.bytes(at + 8, length - 8)
        at += length + 7 & ~7


class ImageSubject:
    """What the signature of one image must sign: its hash, by whatever algorithm the signature names."""

    def __init__(self, data: bytes, pe: Pe, hashes: ImageHashes) -> None:
        self._data = data
        self._pe = pe
        self._known = {"sha1": hashes.sha1, "sha256": hashes.sha256}

    def __call__(self, envelope: Envelope) -> str:
        """What is wrong with the content of a message, as `signature.Subject` wants it."""
        if envelope.content is None or envelope.content_type != oids.SPC_INDIRECT_DATA:
            return say("signing.not_an_image_signature")
        parts = list(envelope.content.expect(der.SEQUENCE, "indirect data").children(4))
        if len(parts) != 2:
            raise envelope.content.fail("a kind of data and a hash", f"{len(parts)} parts")
        if parts[0].only(der.OID, "the kind of data").content != oids.SPC_PE_IMAGE:
            return say("signing.not_an_image_signature")
        hashed = list(parts[1].expect(der.SEQUENCE, "a hash").children(4))
        if len(hashed) != 2:
            raise parts[1].fail("a hash algorithm and a hash")
        name = oids.HASHES.get(hashed[0].only(der.OID, "a hash algorithm").content, "")
        if not name:
            return say("signing.unknown_hash")
        if name not in self._known:
            self._known[name] = image_digest(self._data, self._pe, name)
        if hmac.compare_digest(self._known[name], hashed[1].expect(der.OCTETS, "a hash").content):
            return ""
        return say("signing.hash_differs", algorithm=name.upper())
