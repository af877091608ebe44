"""Catalogs: members in their three shapes, attributes, the index over many, and bytes that are no catalog."""

from __future__ import annotations

import random

import pytest
from der_maker import (
    TRUST_LIST,
    catalog,
    explicit,
    integer,
    member,
    name_value,
    octets,
    oid,
    seq,
    set_of,
    signed_message,
    tlv,
    trust_list,
)
from signing_real import carved_catalogs, carved_images

from bootmend.errors import ParseError
from bootmend.formats.pe import Pe
from bootmend.signing.catalog import member_hashes, read_catalog
from bootmend.signing.hashing import image_hashes
from bootmend.signing.index import CatalogIndex

SHA1 = bytes(range(20))
SHA256 = bytes(range(32, 64))
HEX_NAME = (SHA1.hex().upper() + "\0").encode("utf-16-le")


def test_the_three_shapes_of_a_member() -> None:
    assert len(HEX_NAME) == 82
    old_name = "C:\\driver.sys\0".encode("utf-16-le")
    data = catalog(member(HEX_NAME), member(SHA1), member(SHA256), member(old_name), member(b"\1" * 19))
    assert member_hashes(data, "test.cat") == [SHA1, SHA1, SHA256]


def test_a_catalog_without_members_or_signer_is_read() -> None:
    assert member_hashes(catalog(), "empty.cat") == []
    no_subjects = seq(seq(oid("1.3.6.1.4.1.311.12.1.1")), octets(b"id"))
    assert member_hashes(signed_message(TRUST_LIST, no_subjects), "bare.cat") == []
    assert read_catalog(signed_message(TRUST_LIST, no_subjects), "bare.cat").members == ()


def test_real_catalogs_cover_their_real_drivers() -> None:
    index = CatalogIndex()
    for number, data in enumerate(carved_catalogs()):
        index.add(f"oem{number}.cat", data)
    assert index.names == ["oem0.cat", "oem1.cat", "oem2.cat", "oem3.cat"]
    assert not index.unreadable
    for name, catalog_name, by_sha256 in (
        ("wintun.sys", "oem0.cat", False),
        ("driver1", "oem1.cat", True),
        ("driver2", "oem2.cat", True),
        ("driver3", "oem3.cat", True),
    ):
        image = carved_images()[name]
        hashes = image_hashes(image, Pe.parse(image, name))
        assert index.lookup(hashes.sha1) == (catalog_name,)
        assert index.lookup(hashes.sha256) == ((catalog_name,) if by_sha256 else ())


def test_a_real_catalog_in_full() -> None:
    read = read_catalog(carved_catalogs()[0], "wintun.cat")
    assert read.version == 1
    assert read.time is not None and read.time.isoformat() == "2021-10-17T04:29:53+00:00"
    assert read.hardware_ids == ("wintun",)
    assert read.os_attributes == {"2:6.1", "2:6.2", "2:6.3", "2:10.0"}
    assert [(one.attributes["File"], one.is_image) for one in read.members] == [
        ("wintun.sys", True),
        ("wintun.inf", False),
    ]
    assert [one.digest for one in read.members] == member_hashes(carved_catalogs()[0], "wintun.cat")


def test_package_name_of_a_catalog() -> None:
    attribute = seq(oid("1.3.6.1.4.1.311.12.2.1"), set_of(name_value("File", "null.sys")))
    read = read_catalog(catalog(member(SHA256, attribute), package="Package_for_KB1"), "kb.cat")
    assert (read.package_name, read.version) == ("Package_for_KB1", 2)
    assert read.members[0].attributes == {"File": "null.sys"}


def test_one_hash_in_many_catalogs_and_a_broken_one_between() -> None:
    index = CatalogIndex()
    index.add("a.cat", catalog(member(SHA1), member(SHA256), member(SHA1)))
    index.add("broken.cat", b"0\x82")
    index.add("b.cat", catalog(member(SHA256)))
    index.add("c.cat", catalog(member(HEX_NAME)))
    assert index.lookup(SHA1) == ("a.cat", "c.cat")
    assert index.lookup(SHA256) == ("a.cat", "b.cat")
    assert index.lookup(bytes(32)) == ()
    assert len(index) == 2
    assert SHA1 in index and bytes(20) not in index
    assert list(index.unreadable) == ["broken.cat"]
    assert "broken.cat" in index.unreadable["broken.cat"]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "a DER element"),
        (b"MZ" + bytes(100), "SEQUENCE"),
        (b"0\x80" + bytes(100), "definite DER length"),
        (b"0\x84\xff\xff\xff\xff" + bytes(100), "4294967295 bytes"),
        (b"0\x85\x00\x00\x00\x00\x01", "definite DER length"),
        (b"0\x04\x1f\x81\x01\x00", "tag of one byte"),
        (seq(oid("1.2.840.113549.1.7.1"), explicit(0, octets(b""))), "signedData"),
        (seq(oid("1.2.840.113549.1.7.2"), explicit(0, seq(integer(1)))), "content and signers"),
        (signed_message("1.2.840.113549.1.7.1", octets(b"text")), "trust list"),
        (signed_message(TRUST_LIST, trust_list(member(SHA1), usage="1.3.6.1.4.1.311.10.3.9")), "for catalogs"),
        (signed_message(TRUST_LIST, seq(tlv(0x0C, b"x"))), ""),
        (catalog(seq(tlv(0x0C, SHA1))), "catalog member"),
        (catalog(seq(b"\x04\x20" + SHA1)), "catalog member"),
        (catalog(b"0"), ""),
    ],
)
def test_what_is_no_catalog_is_named(data: bytes, expected: str) -> None:
    with pytest.raises(ParseError, match=r"sample\.cat: at offset 0x[0-9a-f]+: expected ") as caught:
        member_hashes(data, "sample.cat")
    assert expected in str(caught.value)


def test_mutated_catalogs_raise_only_parse_errors() -> None:
    rng = random.Random(1997)
    originals = [*carved_catalogs(), catalog(member(SHA1), member(HEX_NAME), package="x")]
    refused = 0
    for _ in range(2000):
        data = bytearray(rng.choice(originals))
        for _ in range(rng.randrange(1, 5)):
            data[rng.randrange(min(len(data), rng.choice([60, 400, 1 << 20])))] = rng.randrange(256)
        if rng.random() < 0.2:
            del data[rng.randrange(len(data)) :]
        for work in (member_hashes, read_catalog):
            try:
                work(bytes(data), "mutant.cat")
            except ParseError:
                refused += 1
    assert refused > 300
