"""The object identifiers of Authenticode, catalogs, CMS and time stamps, by the names their specifications use."""

from __future__ import annotations

from bootmend.signing.der import oid

SPC_INDIRECT_DATA = oid("1.3.6.1.4.1.311.2.1.4")
SPC_PE_IMAGE = oid("1.3.6.1.4.1.311.2.1.15")
NESTED_SIGNATURE = oid("1.3.6.1.4.1.311.2.4.1")
TIME_STAMP_TOKEN = oid("1.3.6.1.4.1.311.3.3.1")
TIME_STAMP_TOKEN_CMS = oid("1.2.840.113549.1.9.16.2.14")
TIME_STAMP_INFO = oid("1.2.840.113549.1.9.16.1.4")
COUNTER_SIGNATURE = oid("1.2.840.113549.1.9.6")
CONTENT_TYPE = oid("1.2.840.113549.1.9.3")
MESSAGE_DIGEST = oid("1.2.840.113549.1.9.4")
SIGNING_TIME = oid("1.2.840.113549.1.9.5")

HASHES = {
    oid("1.3.14.3.2.26"): "sha1",
    oid("2.16.840.1.101.3.4.2.1"): "sha256",
    oid("2.16.840.1.101.3.4.2.2"): "sha384",
    oid("2.16.840.1.101.3.4.2.3"): "sha512",
}
"""Hash algorithms Windows accepts, as `hashlib` names them. MD5 is not among them: such signatures can be forged."""

RSA_PSS = oid("1.2.840.113549.1.1.10")

CODE_SIGNING = "1.3.6.1.5.5.7.3.3"
TIME_STAMPING = "1.3.6.1.5.5.7.3.8"
ANY_USAGE = "2.5.29.37.0"
LIFETIME_SIGNING = "1.3.6.1.4.1.311.10.3.13"
"""A time stamp does not keep such a signature alive past its certificate."""
WINDOWS = "1.3.6.1.4.1.311.10.3.6"
"""Windows System Component Verification: Windows' own files."""
WHCP = "1.3.6.1.4.1.311.10.3.5"
"""Windows Hardware Driver Verification: drivers Microsoft signed for others."""
ELAM = "1.3.6.1.4.1.311.61.4.1"
