"""What Authenticode signs about a file: SpcIndirectDataContent, its kind and its digest.

It is the content of an embedded signature, and an attribute of a catalog's member.

Source: Microsoft, "Windows Authenticode Portable Executable Signature Format".
"""

from __future__ import annotations

import hashlib
from functools import cache

from bootmend.lab import der
from bootmend.lab.signed_data import attribute, digest_algorithm

INDIRECT_DATA = "1.3.6.1.4.1.311.2.1.4"

_PE_IMAGE = "1.3.6.1.4.1.311.2.1.15"
_CAB_LINK = "1.3.6.1.4.1.311.2.1.25"
_OPUS_INFO = "1.3.6.1.4.1.311.2.1.12"
_STATEMENT_TYPE = "1.3.6.1.4.1.311.2.1.11"
_INDIVIDUAL = "1.3.6.1.4.1.311.2.1.21"
_NO_FILE = der.explicit(2, der.tlv(0x80))
_NO_FLAGS, _CATALOG_FLAGS = b"\x03\x01\x00", b"\x03\x02\x05\xa0"
"""SpcPeImageFlags as BIT STRINGs: signtool leaves them empty, catalogs say "debug info, resources included"."""


def image_content(digest: str, value: bytes) -> bytes:
    """The content of an embedded signature over an image of this Authenticode hash."""
    return _content(_image(_NO_FLAGS), digest, value)


def member_attribute(digest: str, value: bytes, pe: bool) -> bytes:
    """The attribute that gives a catalog member's digest: of an image, or of any other file."""
    return _member_head(digest, pe) + value


@cache
def signing_purpose() -> tuple[bytes, bytes]:
    """The signed attributes of signtool: no program name or link, and "an individual publisher"."""
    return (
        attribute(_OPUS_INFO, der.sequence()),
        attribute(_STATEMENT_TYPE, der.sequence(der.oid(_INDIVIDUAL))),
    )


@cache
def _member_head(digest: str, pe: bool) -> bytes:
    """A member's attribute but for the digest's value, which comes last: hundreds of thousands share it."""
    placeholder = bytes(hashlib.new(digest).digest_size)
    about = _image(_CATALOG_FLAGS) if pe else der.sequence(der.oid(_CAB_LINK), _NO_FILE)
    return attribute(INDIRECT_DATA, _content(about, digest, placeholder))[: -len(placeholder)]


def _image(flags: bytes) -> bytes:
    return der.sequence(der.oid(_PE_IMAGE), der.sequence(flags, der.explicit(0, _NO_FILE)))


def _content(about: bytes, digest: str, value: bytes) -> bytes:
    return der.sequence(about, der.sequence(digest_algorithm(digest), der.octets(value)))
