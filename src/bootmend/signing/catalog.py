"""A security catalog read in full, for reports: what it covers and which package it belongs to.

`member_hashes` is the fast reader for whole stores; `read_catalog` also decodes the attributes:
`PackageName` and `HWID...` of the catalog, `File` and `OSAttr` of its members.

Source: CRYPTCATMEMBER, CRYPTCATATTRIBUTE and CAT_NAMEVALUE in mscat.h (Windows SDK).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from bootmend.signing import der
from bootmend.signing.der import Element
from bootmend.signing.envelope import open_envelope
from bootmend.signing.trustlist import hash_of_name, member_hashes, trust_list

__all__ = ["Catalog", "CatalogMember", "member_hashes", "read_catalog"]

_NAME_VALUE = der.oid("1.3.6.1.4.1.311.12.2.1")
_INDIRECT_DATA = der.oid("1.3.6.1.4.1.311.2.1.4")
_PE_IMAGE = der.oid("1.3.6.1.4.1.311.2.1.15")
_VERSION_2 = der.oid("1.3.6.1.4.1.311.12.1.3")
_MOST_MEMBERS = 1_000_000
_MOST_ATTRIBUTES = 4096


@dataclass(frozen=True, slots=True)
class CatalogMember:
    """One subject: its hash as bytes (empty where it is named otherwise) and its attributes, such as `File`."""

    name: bytes
    """The identifier as it stands in the catalog."""
    digest: bytes
    is_image: bool
    """Hashed as a PE image; others (INF files) by their plain bytes. False where the catalog does not say."""
    attributes: dict[str, str]


@dataclass(frozen=True, slots=True)
class Catalog:
    """Everything a catalog says; its signature is `audit.py`'s matter."""

    file: str
    identifier: bytes
    """The list identifier, 16 random bytes as a rule."""
    time: datetime | None
    version: int
    """1: SHA-1 names; 2: raw hashes, each file under both."""
    attributes: dict[str, str]
    members: tuple[CatalogMember, ...]

    @property
    def package_name(self) -> str | None:
        """The servicing package to repair from."""
        return self.attributes.get("PackageName")

    @property
    def hardware_ids(self) -> tuple[str, ...]:
        return tuple(value for name, value in self.attributes.items() if name.upper().startswith("HWID"))

    @property
    def os_attributes(self) -> frozenset[str]:
        """Which Windows versions it is for, such as `2:10.0`."""
        found = [self.attributes.get("OSAttr", ""), *(one.attributes.get("OSAttr", "") for one in self.members)]
        return frozenset(part for text in found for part in text.split(",") if part)


def read_catalog(data: bytes, file: str) -> Catalog:
    """The catalog that `data` holds; ParseError where it is none or a part of it is broken."""
    parts = trust_list(open_envelope(data, file))
    return Catalog(
        file=file,
        identifier=parts.identifier,
        time=parts.time.time() if parts.time else None,
        version=2 if parts.algorithm == _VERSION_2 else 1,
        attributes=dict(_extensions(parts.extensions)) if parts.extensions else {},
        members=tuple(_member(one) for one in parts.subjects.children(_MOST_MEMBERS)) if parts.subjects else (),
    )


def _member(subject: Element) -> CatalogMember:
    parts = list(subject.expect(der.SEQUENCE, "a catalog member").children(2))
    if not parts:
        raise subject.fail("the identifier of a catalog member")
    name = parts[0].expect(der.OCTETS, "the identifier of a catalog member").content
    attributes: dict[str, str] = {}
    is_image = False
    for attribute in parts[1].children(_MOST_ATTRIBUTES) if len(parts) > 1 else ():
        kind, *values = attribute.children(2)
        value = next(values[0].children(16), None) if values else None
        if kind.content == _NAME_VALUE and value is not None:
            key, text = _name_value(value)
            attributes.setdefault(key, text)
        elif kind.content == _INDIRECT_DATA and value is not None:
            hashed = value.only(der.SEQUENCE, "the kind of data hashed")
            is_image = hashed.only(der.OID, "the kind of data hashed").content == _PE_IMAGE
    digest = name if len(name) in (20, 32) else hash_of_name(name) or b""
    return CatalogMember(name, digest, is_image, attributes)


def _extensions(extensions: Element) -> Iterator[tuple[str, str]]:
    for extension in extensions.children(_MOST_ATTRIBUTES):
        kind, *rest = extension.children(3)
        if kind.content == _NAME_VALUE and rest:
            octets = rest[-1].expect(der.OCTETS, "the value of a catalog attribute")
            yield _name_value(der.element(octets.data, octets.body, octets.end, octets.file))


def _name_value(pair: Element) -> tuple[str, str]:
    """CAT_NAMEVALUE: the name in BMPString (big-endian), flags, the value as UTF-16LE with its NUL."""
    parts = list(pair.expect(der.SEQUENCE, "a name and its value").children(3))
    if len(parts) != 3:
        raise pair.fail("name, flags and value", f"{len(parts)} elements")
    name = parts[0].expect(der.BMP_TEXT, "the name of a catalog attribute").content
    value = parts[2].expect(der.OCTETS, "the value of a catalog attribute").content
    return name.decode("utf-16-be", "replace"), value.decode("utf-16-le", "replace").rstrip("\0")
