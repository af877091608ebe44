"""The pinned roots are there, and nothing else is believed for kernel code."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from driver_wheels import WINDIVERT_2015, wheel_file
from signing_lab import intermediate, issue, root

from bootmend.errors import ParseError
from bootmend.formats.pe import Pe
from bootmend.signing.certificate import is_signed_with, load
from bootmend.signing.embedded import embedded_messages
from bootmend.signing.envelope import open_envelope
from bootmend.signing.extensions import _read_leniently as read_leniently
from bootmend.signing.roots import Trust, cross_signing_key, public_roots, time_stamp_roots
from bootmend.signing.verdict import Root


def by_thumbprint(start: str) -> bytes:
    return next(one.der for listed in public_roots().values() for one in listed if one.thumbprint.startswith(start))


@pytest.mark.parametrize("thumbprint", ["a4348915", "cdd4eeae", "3b1efd3a", "8f43288a"])
def test_the_four_pinned_roots(thumbprint: str) -> None:
    assert Trust().trusts_root(load(by_thumbprint(thumbprint))) is Root.MICROSOFT


@pytest.mark.parametrize("thumbprint", ["73a5e64a", "f40042e2"])
def test_other_roots_of_microsoft_are_public_ones(thumbprint: str) -> None:
    assert Trust().trusts_root(load(by_thumbprint(thumbprint))) is Root.PUBLIC


def test_every_public_root_can_be_read() -> None:
    roots = [one for listed in public_roots().values() for one in listed]
    assert len(roots) > 500
    vouching = [one for one in roots if one.der in time_stamp_roots()]
    assert 100 < len(vouching) < len(roots)


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_both_readers_of_extensions_agree() -> None:
    lenient_only = 0
    for listed in public_roots().values():
        for one in listed:
            parsed = x509.load_der_x509_certificate(one.der)
            try:
                list(parsed.extensions)
            except ValueError:
                lenient_only += 1
                assert one.allows.is_ca
            assert read_leniently(one.der) == one.allows, one.common_name
    assert lenient_only == 4


def test_the_cross_signing_key_signed_a_vendors_certificate() -> None:
    data = wheel_file(*WINDIVERT_2015)
    message = next(embedded_messages(data, Pe.parse(data, "WinDivert64.sys")))
    certificates = [load(one) for one in open_envelope(message, "WinDivert64.sys").certificate_list()]
    signed = [one.common_name for one in certificates if is_signed_with(one, cross_signing_key())]
    assert signed == ["DigiCert High Assurance EV Root CA"]
    assert [one for one in certificates if Trust().trusts_root(one) is Root.CROSS] == [
        one for one in certificates if one.common_name in signed and one.issuer != one.subject
    ]


def test_a_name_alone_is_not_believed() -> None:
    for name in ("Microsoft Code Verification Root", "Microsoft Root Certificate Authority 2010"):
        impostor = issue(name, ca=True)
        assert Trust().trusts_root(load(impostor.der)) is None


def test_extra_roots_in_both_forms() -> None:
    own = load(root().der)
    assert Trust().trusts_root(own) is None
    assert Trust([root().pem]).trusts_root(own) is Root.EXTRA
    assert Trust([root().der]).trusts_root(own) is Root.EXTRA
    both = Trust([b"a comment\n" + root().pem + intermediate().pem])
    assert both.trusts_root(load(intermediate().der)) is Root.EXTRA
    key = root().key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    broken = b"-----BEGIN CERTIFICATE-----\nMIIAA\n-----END CERTIFICATE-----\n"
    for rubbish in (b"", b"rubbish", b"-----BEGIN NOTHING-----", broken, key):
        with pytest.raises(ParseError):
            Trust([rubbish])
