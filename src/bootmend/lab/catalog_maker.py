"""Security catalogs (.cat), as Windows' own tools write them.

    ContentInfo > SignedData > CTL { usage, list identifier, time, member kind, members, attributes }

    version 1   a member a file: UTF-16 hex of its SHA-1, with the digest again inside
    version 2   each file twice: raw SHA-1 without, raw SHA-256 with the digest inside

Laid out after real catalogs of both versions (the one of WINTUN 0.14 signed by Microsoft's hardware
programme, and vendors' Inf2Cat ones); the lab's are checked against independent readers in its tests.

Source: Microsoft, "Catalog Files and Digital Signatures"; mscat.h for the names of the OIDs.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from bootmend.errors import Misuse
from bootmend.lab import der
from bootmend.lab.authority import LabAuthority
from bootmend.lab.certificates import Leaf
from bootmend.lab.indirect_data import member_attribute, signing_purpose
from bootmend.lab.signed_data import attribute, signed_data, unsigned_data
from bootmend.lab.time_stamp import stamped

_CTL = "1.3.6.1.4.1.311.10.1"
_CATALOG_LIST = "1.3.6.1.4.1.311.12.1.1"
_MEMBER_KIND = {1: "1.3.6.1.4.1.311.12.1.2", 2: "1.3.6.1.4.1.311.12.1.3"}
_NAME_VALUE = "1.3.6.1.4.1.311.12.2.1"
_MEMBER_INFO = "1.3.6.1.4.1.311.12.2.2"
_MEMBER_INFO_2 = "1.3.6.1.4.1.311.12.2.3"
_SHOWN = der.integer(0x10010001)
"""CRYPTCAT_ATTR_AUTHENTICATED | _NAMEASCII | _DATAASCII: what makecat writes."""
_PE_GUID = "{C689AAB8-8E78-11D0-8C47-00C04FC295EE}"
_FLAT_GUID = "{DE351A42-8E59-11D0-8C47-00C04FC295EE}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A file that a catalog vouches for.

    `sha1` and `sha256` are Authenticode hashes for a PE image, hashes of the whole file where `pe` is
    False (an INF). Version 1 takes the SHA-1, version 2 whichever there are.
    """

    name: str
    sha1: bytes | None = None
    sha256: bytes | None = None
    osattr: str = "2:10.0"
    package: str = ""
    pe: bool = True

    def __post_init__(self) -> None:
        if any(value is not None and len(value) != size for value, size in ((self.sha1, 20), (self.sha256, 32))):
            raise Misuse(f"{self.name}: a SHA-1 has 20 bytes, a SHA-256 has 32")


def make_catalog(
    authority: LabAuthority,
    members: Sequence[Member],
    *,
    version: int = 2,
    package_name: str = "",
    when: datetime,
    leaf: Leaf | None = None,
    timestamp: bool = False,
    attributes: Mapping[str, str] | None = None,
) -> bytes:
    """A catalog of `members`, signed by `leaf` (the authority's Windows leaf where it is None) at `when`.

    `package_name` becomes the list's PackageName, `attributes` are more of those (OS, HWID1, ...).
    """
    ctl = _certificate_trust_list(members, version, package_name, when, attributes or {})
    signer = leaf or authority.windows
    return signed_data(
        _CTL,
        ctl,
        signer,
        attributes=signing_purpose(),
        unsigned=stamped(signer, when) if timestamp else None,
    )


def make_unsigned_catalog(
    members: Sequence[Member], *, version: int = 2, package_name: str = "", when: datetime
) -> bytes:
    """The same list as `make_catalog` would write, without a signer: what makecat leaves before signing."""
    return unsigned_data(_CTL, _certificate_trust_list(members, version, package_name, when, {}))


def _certificate_trust_list(
    members: Sequence[Member], version: int, package_name: str, when: datetime, attributes: Mapping[str, str]
) -> bytes:
    if version not in _MEMBER_KIND:
        raise Misuse(f"catalogs have version 1 or 2, not {version}")
    listed = _members_v1(members) if version == 1 else _members_v2(members)
    # Real lists are sorted by subject identifier; the identifiers of one list need not be unique.
    subjects = [der.sequence(der.octets(identifier), rest) for identifier, rest in sorted(listed)]
    named = {"PackageName": package_name, **attributes} if package_name else attributes
    extensions = [
        der.sequence(der.oid(_NAME_VALUE), der.octets(_name_value(name, value))) for name, value in named.items()
    ]
    return der.sequence(
        der.sequence(der.oid(_CATALOG_LIST)),
        der.octets(_list_identifier(package_name, when, subjects)),
        der.utc_time(when),
        der.sequence(der.oid(_MEMBER_KIND[version]), der.NULL),
        der.sequence(*subjects) if subjects else b"",
        der.explicit(0, der.sequence(*extensions)) if extensions else b"",
    )


def _list_identifier(package_name: str, when: datetime, subjects: Sequence[bytes]) -> bytes:
    """16 bytes: a GUID in real lists, here one that repeats with what the list says."""
    state = hashlib.sha256(f"{package_name} {when.isoformat()}".encode())
    for subject in subjects:
        state.update(subject)
    return uuid.UUID(bytes=state.digest()[:16], version=4).bytes_le


def _members_v1(members: Sequence[Member]) -> Iterator[tuple[bytes, bytes]]:
    for member in members:
        if member.sha1 is None:
            raise Misuse(f"{member.name}: a version 1 catalog needs the SHA-1")
        reference = member.sha1.hex().upper()
        subject_kind = _PE_GUID if member.pe else _FLAT_GUID
        yield (
            (reference + "\0").encode("utf-16-le"),
            der.set_of(
                *_described(member),
                attribute(_MEMBER_INFO, der.sequence(der.bmp_string(subject_kind), der.integer(0x200))),
                member_attribute("sha1", member.sha1, member.pe),
            ),
        )


def _members_v2(members: Sequence[Member]) -> Iterator[tuple[bytes, bytes]]:
    for member in members:
        if member.sha1 is None and member.sha256 is None:
            raise Misuse(f"{member.name}: a catalog member needs a hash")
        described = _described(member)
        kind = attribute(_MEMBER_INFO_2, der.tlv(0x80 if member.pe else 0x82))
        if member.sha1 is not None:
            yield member.sha1, der.set_of(kind, *described)
        if member.sha256 is not None:
            yield member.sha256, der.set_of(kind, *described, member_attribute("sha256", member.sha256, member.pe))


def _described(member: Member) -> list[bytes]:
    """The attributes that say what the file is: `File`, `OSAttr`, `PackageName`."""
    named = [_file_attribute("File", member.name)]
    if member.osattr:
        named.append(_shared_attribute("OSAttr", member.osattr))
    if member.package:
        named.append(_shared_attribute("PackageName", member.package))
    return named


def _file_attribute(name: str, value: str) -> bytes:
    return attribute(_NAME_VALUE, _name_value(name, value))


@cache
def _shared_attribute(name: str, value: str) -> bytes:
    """As `_file_attribute`, for values that thousands of members share."""
    return _file_attribute(name, value)


def _name_value(name: str, value: str) -> bytes:
    return der.sequence(der.bmp_string(name), _SHOWN, der.octets((value + "\0").encode("utf-16-le")))
