"""Embedded lab signatures, in the eyes of osslsigncode and of pefile."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pefile
import pytest

from bootmend.errors import Misuse
from bootmend.formats.pe import Pe
from bootmend.lab import bad_leaves, der
from bootmend.lab.authority import LabAuthority
from bootmend.lab.certificates import Leaf
from bootmend.lab.pe_image import AMD64, ARM64, I386
from bootmend.lab.pe_maker import make_driver
from bootmend.lab.signer import image_digest, sign_image, strip_signature
from bootmend.signing.hashing import image_hashes

needs_osslsigncode = pytest.mark.skipif(not shutil.which("osslsigncode"), reason="osslsigncode is not installed")


@pytest.fixture(scope="module")
def authority() -> LabAuthority:
    return LabAuthority.ephemeral("signatures")


def _driver(machine: int = AMD64, size: int = 9_000) -> bytes:
    return make_driver("a.sys", version="1.0", description="a", company="b", size=size, machine=machine)


@pytest.fixture
def verify(authority: LabAuthority, tmp_path: Path) -> Callable[[bytes], tuple[bool, str]]:
    def run(image: bytes) -> tuple[bool, str]:
        (tmp_path / "root.pem").write_bytes(authority.root_pem)
        (tmp_path / "a.sys").write_bytes(image)
        command = ["osslsigncode", "verify", "-CAfile", "root.pem", "-TSA-CAfile", "root.pem", "-in", "a.sys"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        return done.returncode == 0, done.stdout

    return run


@needs_osslsigncode
@pytest.mark.parametrize("machine", [AMD64, ARM64, I386])
@pytest.mark.parametrize("digest", ["sha1", "sha256", "sha384"])
def test_osslsigncode_accepts(
    authority: LabAuthority, verify: Callable[[bytes], tuple[bool, str]], machine: int, digest: str
) -> None:
    signed = sign_image(_driver(machine), authority.vendor, digest=digest)
    good, said = verify(signed)
    assert good, said
    assert image_digest(signed, digest).hex().upper() in said
    # Before 2.6 osslsigncode used other words.
    assert re.search("(Timestamp time|The signature is timestamped): Oct 10 12:00:00 2023 GMT", said)
    assert pefile.PE(data=signed).verify_checksum()


@needs_osslsigncode
def test_osslsigncode_refuses_what_was_changed_or_badly_signed(
    authority: LabAuthority, verify: Callable[[bytes], tuple[bool, str]]
) -> None:
    image = _driver()
    signed = sign_image(image, authority.windows, timestamp=False)
    assert verify(signed)[0]
    assert not verify(signed[:0x1000] + bytes([signed[0x1000] ^ 1]) + signed[0x1001:])[0]
    assert not verify(image)[0]
    bad: list[tuple[Leaf, bool]] = [
        (bad_leaves.expired(authority), False),
        (bad_leaves.tls_only(authority), False),
        (bad_leaves.issued_by_leaf(authority), True),
        (bad_leaves.foreign(authority), True),
        (bad_leaves.self_signed(authority), False),
        (bad_leaves.without_intermediate(authority.windows), False),
    ]
    for leaf, timestamp in bad:
        assert not verify(sign_image(image, leaf, timestamp=timestamp))[0], leaf.name


@needs_osslsigncode
def test_a_lapsed_leaf_is_good_with_a_stamp_of_its_time(
    authority: LabAuthority, verify: Callable[[bytes], tuple[bool, str]]
) -> None:
    lapsed = bad_leaves.expired(authority)
    assert verify(sign_image(_driver(), lapsed, when=datetime(2012, 1, 1, tzinfo=UTC)))[0]
    assert not verify(sign_image(_driver(), lapsed, when=datetime(2014, 1, 1, tzinfo=UTC)))[0]


@needs_osslsigncode
def test_nested_signatures_are_found_and_each_is_good(
    authority: LabAuthority, verify: Callable[[bytes], tuple[bool, str]]
) -> None:
    for timestamp in (False, True):
        signed = sign_image(_driver(), authority.vendor, timestamp=timestamp)
        for leaf in (authority.whcp, authority.windows):
            signed = sign_image(signed, leaf, nested=True)
        good, said = verify(signed)
        assert good, said
        assert "Signature Index: 2" in said
        assert "Number of verified signatures: 3" in said


def test_an_appended_signature_is_a_second_certificate_entry(authority: LabAuthority) -> None:
    once = sign_image(_driver(), authority.vendor)
    twice = sign_image(once, authority.whcp, appended=True)
    table = pefile.PE(data=twice).OPTIONAL_HEADER.DATA_DIRECTORY[4]
    first = int.from_bytes(twice[table.VirtualAddress :][:4], "little")
    assert first % 8 == 0
    assert twice[table.VirtualAddress :][:first] == once[table.VirtualAddress :][:first]
    second = table.VirtualAddress + first
    assert second + int.from_bytes(twice[second : second + 4], "little") == len(twice)
    assert twice[second + 4 : second + 8] == b"\x00\x02\x02\x00"


def test_signing_again_replaces_and_stripping_gives_the_image_back(authority: LabAuthority) -> None:
    image = _driver()
    once = sign_image(image, authority.vendor)
    assert sign_image(sign_image(image, authority.windows), authority.vendor) == once
    assert strip_signature(once) == image
    assert strip_signature(image) == image


def test_an_image_of_odd_size_is_filled_up_first(authority: LabAuthority) -> None:
    odd = _driver() + b"tail!"
    hashed = image_digest(odd, "sha256")
    signed = sign_image(odd, authority.vendor)
    assert image_digest(signed, "sha256") == hashed
    assert strip_signature(signed) == strip_signature(odd)
    own = image_hashes(signed, Pe.parse(signed, "a.sys"))
    assert (own.sha1, own.sha256) == (image_digest(odd, "sha1"), hashed)


def test_nothing_to_add_to_and_no_image_are_refused(authority: LabAuthority) -> None:
    image = _driver()
    with pytest.raises(Misuse, match="no signature"):
        sign_image(image, authority.vendor, nested=True)
    with pytest.raises(Misuse, match="no signature"):
        sign_image(image, authority.vendor, appended=True)
    with pytest.raises(Misuse, match="PE"):
        sign_image(b"MZ" + bytes(400), authority.vendor)
    with pytest.raises(Misuse, match="cut short"):
        sign_image(image[:0x100], authority.vendor)
    with pytest.raises(Misuse, match="end of the image"):
        sign_image(sign_image(image, authority.vendor) + b"behind", authority.whcp, nested=True)
    with pytest.raises(Misuse, match="time stamping"):
        sign_image(image, authority.stamper)


def test_der_numbers_and_lengths_are_minimal() -> None:
    assert [der.integer(value).hex() for value in (0, 127, 128, -1, 0x10010001)] == [
        "020100",
        "02017f",
        "02020080",
        "0201ff",
        "020410010001",
    ]
    for length in (0, 1, 127, 128, 255, 256, 65_535, 65_536):
        element = der.octets(bytes(length))
        assert der.content_of(element + b"behind") == bytes(length)
        assert der.children(der.sequence(element, element)) == [element, element]
    assert der.oid("1.3.6.1.4.1.311.2.1.4").hex() == "060a2b060104018237020104"
    for broken in (b"", b"\x30", b"\x30\x80\x00\x00", b"\x30\x05abc", b"\x30\x84\xff"):
        with pytest.raises(Misuse):
            der.content_of(broken)
