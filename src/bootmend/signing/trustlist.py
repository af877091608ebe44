"""The member hashes of a security catalog (.cat), fast: thousands of catalogs stand on one disk.

A catalog is a signed message over a certificate trust list whose subjects are file hashes:

    usage (1.3.6.1.4.1.311.12.1.1), list identifier, time, algorithm, subjects, [0] attributes
      subject: identifier, set of attributes

The identifier is what Windows looks a file up by, in three shapes: the SHA-1 as UTF-16LE hex with its
NUL (82 bytes, version 1 catalogs), the raw SHA-1 (20 bytes) and the raw SHA-256 (32 bytes). Version 2
catalogs list each file under both raw hashes; one of 2021 by Microsoft lists raw SHA-1 only. Subjects
named otherwise (old catalogs, by path) cannot be looked up by hash and are passed over.

Source: CTL_INFO in wincrypt.h, szOID_CATALOG_LIST and CRYPTCATMEMBER in mscat.h (Windows SDK).
"""

from __future__ import annotations

from bootmend.errors import ParseError
from bootmend.signing import der
from bootmend.signing.der import Element
from bootmend.signing.envelope import Envelope, open_envelope

TRUST_LIST = der.oid("1.3.6.1.4.1.311.10.1")
_CATALOG_USAGE = der.oid("1.3.6.1.4.1.311.12.1.1")


def member_hashes(data: bytes, file: str) -> list[bytes]:
    """The hashes `data` vouches for, in its order, 20 or 32 bytes each; ParseError when it is no catalog.

    Reads no signature: a hash found here proves nothing until the catalog is verified.
    """
    subjects = trust_list(open_envelope(data, file)).subjects
    return _identifiers(subjects) if subjects is not None else []


class TrustList:
    """Where the parts of a catalog's trust list stand; `subjects` is None for an empty catalog."""

    __slots__ = ("algorithm", "element", "extensions", "identifier", "subjects", "time")

    def __init__(self, content: Element) -> None:
        self.element = content
        parts = list(content.children(10))
        if parts and parts[0].tag == der.INTEGER:
            del parts[0]
        if not parts or all(one.content != _CATALOG_USAGE for one in parts[0].children(16)):
            raise content.fail("a trust list for catalogs")
        self.identifier = b""
        self.time: Element | None = None
        self.algorithm = b""
        self.subjects: Element | None = None
        self.extensions: Element | None = None
        for part in parts[1:]:
            if part.tag == der.OCTETS:
                self.identifier = part.content
            elif part.tag in (der.UTC_TIME, der.GENERAL_TIME):
                self.time = self.time or part
            elif part.tag == der.SEQUENCE and not self.algorithm:
                self.algorithm = part.only(der.OID, "the algorithm of the subjects").content
            elif part.tag == der.SEQUENCE:
                self.subjects = part
            elif part.tag == der.CONTEXT:
                self.extensions = part.only(der.SEQUENCE, "the attributes of a catalog")
            elif part.tag != der.INTEGER:
                raise part.fail("a part of a trust list", f"tag {part.tag:#04x}")


def trust_list(envelope: Envelope) -> TrustList:
    """The catalog inside a signed message; ParseError where the message holds something else."""
    if envelope.content is None or envelope.content_type != TRUST_LIST:
        raise envelope.signers.fail("a signed trust list before the signers")
    return TrustList(envelope.content.expect(der.SEQUENCE, "a trust list"))


def _identifiers(subjects: Element) -> list[bytes]:
    """One pass over the subjects, headers decoded in line: half a million on a machine, in half a second."""
    data, at, end = subjects.data, subjects.body, subjects.end
    hashes: list[bytes] = []
    try:
        while at < end:
            length = data[at + 1]
            if length == 0x82:
                body = at + 4
                stop = body + (data[at + 2] << 8 | data[at + 3])
            elif length == 0x81:
                body = at + 3
                stop = body + data[at + 2]
            elif length < 0x80:
                body = at + 2
                stop = body + length
            else:
                slow = der.element(data, at, end, subjects.file)
                body, stop = slow.body, slow.end
            size = data[body + 1]
            if data[at] != der.SEQUENCE or data[body] != der.OCTETS or stop > end or body + 2 + size > stop:
                raise ParseError(subjects.file, at, "a catalog member with its identifier")
            if size in (20, 32):
                hashes.append(data[body + 2 : body + 2 + size])
            elif size < 0x80 and (digest := hash_of_name(data[body + 2 : body + 2 + size])):
                hashes.append(digest)
            at = stop
    except IndexError:
        raise ParseError(subjects.file, at, "a catalog member", "the end of the file") from None
    return hashes


def hash_of_name(name: bytes) -> bytes | None:
    """The SHA-1 that an identifier spells as UTF-16LE hex; None where it is some other name."""
    if any(name[1::2]):
        return None
    try:
        digest = bytes.fromhex(name[::2].rstrip(b"\0").decode("ascii"))
    except ValueError:
        return None
    return digest if len(digest) == 20 else None
