"""RFC 3161 time stamps, given by the lab itself: no network, and any date one asks for.

Sources: RFC 3161; RFC 5816 (the signing certificate named by its SHA-256).
"""

from __future__ import annotations

import hashlib
from datetime import datetime

from bootmend.errors import Misuse
from bootmend.lab import der
from bootmend.lab.certificates import Leaf
from bootmend.lab.signed_data import Unsigned, attribute, digest_algorithm, signed_data

_TST_INFO = "1.2.840.113549.1.9.16.1.4"
_SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"
_SIGNING_TIME = "1.2.840.113549.1.9.5"
_MICROSOFT_RFC3161 = "1.3.6.1.4.1.311.3.3.1"
_LAB_POLICY = "2.25.41905"
"""An OID of the free arc 2.25: this time stamp promises nothing."""


def time_stamp_token(data: bytes, stamper: Leaf, when: datetime) -> bytes:
    """A ContentInfo that says `data` (for a counter-signature: the signature value) existed at `when`."""
    imprint = hashlib.sha256(data).digest()
    info = der.sequence(
        der.integer(1),
        der.oid(_LAB_POLICY),
        der.sequence(digest_algorithm("sha256"), der.octets(imprint)),
        # The serial number: always 8 bytes, so that no size hangs on the luck of a key.
        der.integer(int.from_bytes(imprint[:8], "big") >> 2 | 1 << 62),
        der.generalized_time(when),
    )
    certificate = der.octets(hashlib.sha256(stamper.identity.der).digest())
    return signed_data(
        _TST_INFO,
        der.octets(info),
        stamper,
        attributes=(
            attribute(_SIGNING_TIME, der.utc_time(when)),
            attribute(_SIGNING_CERTIFICATE_V2, der.sequence(der.sequence(der.sequence(certificate)))),
        ),
        version=3,
    )


def stamped(leaf: Leaf, when: datetime) -> Unsigned:
    """The unsigned attribute that time-stamps a signature of `leaf`, as Authenticode keeps it."""
    stamper = leaf.stamper
    if stamper is None:
        raise Misuse(f"{leaf.name} has no time stamping leaf")
    return lambda signature: (attribute(_MICROSOFT_RFC3161, time_stamp_token(signature, stamper, when)),)
