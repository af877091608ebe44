"""Lab catalogs, beside real ones and in the eyes of independent readers (asn1crypto, osslsigncode)."""

from __future__ import annotations

import hashlib
import random
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import cms, core, parser
from bounded_work import bounded_work
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from bootmend.errors import Misuse
from bootmend.lab import bad_leaves
from bootmend.lab.authority import LabAuthority
from bootmend.lab.catalog_maker import Member, make_catalog, make_unsigned_catalog
from bootmend.lab.pe_maker import make_driver
from bootmend.lab.signer import image_digest
from bootmend.signing.catalog import member_hashes, read_catalog

WHEN = datetime(2023, 12, 5, 10, 30, tzinfo=UTC)
CTL = "1.3.6.1.4.1.311.10.1"
NAME_VALUE = "1.3.6.1.4.1.311.12.2.1"
INDIRECT_DATA = "1.3.6.1.4.1.311.2.1.4"

# One member each of real catalogs: version 1 is WINTUN 0.14's (package pywintunx-pmd3 1.0.2, its wintun.sys),
# version 2 a USB filter's in the same package. Given as the hash of the member and the SHA-256 of its DER.
REAL_V1_SHA1 = "b11a3929abd9c3b07cfb82c901066ba12b47dd0e"
REAL_V1_MEMBER = "bf816293508ac27e57a8867be4f25f6de02c966786b37cb7fe0df6e1fe5d6c9d"
REAL_V2_SHA256 = "fede5afce31157cc00dd1f52d10280895c43e2732e0eba99169b0e00304ba33a"
REAL_V2_MEMBER = "03e74925e45b68e9c40f92f31a318e20ebbd09d7aa82cdda745345743a9ccde9"


@dataclass(frozen=True)
class Node:
    """One DER element as asn1crypto's parser tells it apart; `children` where it is constructed."""

    tag: int
    content: bytes
    whole: bytes
    children: tuple[Node, ...]

    @property
    def dotted(self) -> str:
        return str(core.ObjectIdentifier.load(self.whole).dotted)


def _nodes(data: bytes) -> tuple[Node, ...]:
    found = []
    while data:
        kind, method, tag, header, content, trailer = parser.parse(data)
        assert not trailer
        whole = header + content
        found.append(Node(kind << 6 | method << 5 | tag, content, whole, _nodes(content) if method else ()))
        data = data[len(whole) :]
    return tuple(found)


@dataclass(frozen=True)
class Listed:
    """The parts of a catalog's list."""

    whole: Node
    usage: Node
    identifier: Node
    updated: Node
    kind: Node
    subjects: Node
    extensions: Node | None = None


@pytest.fixture(scope="module")
def authority() -> LabAuthority:
    return LabAuthority.ephemeral("catalogs")


def _members(count: int) -> list[Member]:
    choice = random.Random(count)
    return [
        Member(name=f"file{number}.sys", sha1=choice.randbytes(20), sha256=choice.randbytes(32), package="Lab-Package")
        for number in range(count)
    ]


def _parse(catalog: bytes) -> tuple[Any, Listed]:
    """The SignedData (asn1crypto's) and the list in it, read strictly: nothing may be left over."""
    envelope: Any = cms.ContentInfo.load(catalog, strict=True)
    assert envelope["content_type"].native == "signed_data"
    signed_data = _nodes(catalog)[0].children[1].children[0]
    content_type, content = signed_data.children[2].children
    assert content_type.dotted == CTL
    (trust_list,) = content.children
    return envelope["content"], Listed(trust_list, *trust_list.children)


def _attributes(subject: Node) -> list[tuple[str, Node]]:
    identifier, attributes = subject.children
    assert identifier.tag == 0x04
    return [(kind.dotted, values.children[0]) for kind, values in (one.children for one in attributes.children)]


def _name_value(pair: Node) -> tuple[str, str]:
    name, flags, value = pair.children
    assert (name.tag, flags.content.hex(), value.tag) == (0x1E, "10010001", 0x04)
    return name.content.decode("utf-16-be"), value.content.decode("utf-16-le").removesuffix("\0")


def test_members_are_laid_out_byte_for_byte_as_in_real_catalogs(authority: LabAuthority) -> None:
    systems = "2:6.1,2:6.2,2:6.3,2:10.0"
    first = Member(name="wintun.sys", sha1=bytes.fromhex(REAL_V1_SHA1), osattr=systems)
    second = Member(name="wetestusbfilter.sys", sha256=bytes.fromhex(REAL_V2_SHA256))
    for version, member, real in ((1, first, REAL_V1_MEMBER), (2, second, REAL_V2_MEMBER)):
        _, listed = _parse(make_catalog(authority, [member], version=version, when=WHEN))
        (subject,) = listed.subjects.children
        assert hashlib.sha256(subject.whole).hexdigest() == real


@pytest.mark.parametrize("version", [1, 2])
def test_an_independent_reader_finds_every_member_and_attribute(authority: LabAuthority, version: int) -> None:
    members = _members(40)
    package = "Lab-Package~31bf3856ad364e35~amd64~~10.0.20348.2227"
    extra = {"OS": "_v100_X64", "HWID1": "pci\\ven_1af4"}
    catalog = make_catalog(
        authority, members, version=version, package_name=package, when=WHEN, timestamp=True, attributes=extra
    )
    signed, listed = _parse(catalog)
    assert [usage.dotted for usage in listed.usage.children] == ["1.3.6.1.4.1.311.12.1.1"]
    assert len(listed.identifier.content) == 16
    assert core.UTCTime.load(listed.updated.whole).native == WHEN
    assert listed.kind.children[0].dotted == f"1.3.6.1.4.1.311.12.1.{version + 1}"
    subjects = {subject.children[0].content: _attributes(subject) for subject in listed.subjects.children}
    assert list(subjects) == sorted(subjects)
    digested = {one for one, found in subjects.items() if any(kind == INDIRECT_DATA for kind, _ in found)}
    sha1s = [member.sha1 for member in members if member.sha1]
    sha256s = [member.sha256 for member in members if member.sha256]
    texts = [(sha1.hex().upper() + "\0").encode("utf-16-le") for sha1 in sha1s]
    assert set(subjects) == set(texts if version == 1 else [*sha1s, *sha256s])
    assert digested == set(texts if version == 1 else sha256s)
    for member, text in zip(members, texts, strict=True):
        for identifier in [text] if version == 1 else [member.sha1, member.sha256]:
            assert identifier is not None
            named = dict(_name_value(value) for kind, value in subjects[identifier] if kind == NAME_VALUE)
            assert named == {"File": member.name, "OSAttr": "2:10.0", "PackageName": "Lab-Package"}
    assert listed.extensions is not None
    pairs = [extension.children for extension in listed.extensions.children[0].children]
    assert {kind.dotted for kind, _ in pairs} == {NAME_VALUE}
    assert dict(_name_value(_nodes(value.content)[0]) for _, value in pairs) == {"PackageName": package, **extra}
    assert [one.chosen.dump() for one in signed["certificates"]] == sorted(
        [authority.windows.identity.der, authority.pca.der]
    )


def test_the_signature_covers_the_list(authority: LabAuthority) -> None:
    signed, listed = _parse(make_catalog(authority, _members(3), when=WHEN))
    (signer,) = signed["signer_infos"]
    values = {attribute["type"].dotted: attribute["values"][0] for attribute in signer["signed_attrs"]}
    assert values["1.2.840.113549.1.9.4"].native == hashlib.sha256(listed.whole.content).digest()
    assert values["1.2.840.113549.1.9.3"].dotted == CTL
    certificate = x509.load_der_x509_certificate(authority.windows.identity.der)
    assert signer["sid"].chosen["serial_number"].native == certificate.serial_number
    key = certificate.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    key.verify(signer["signature"].native, signer["signed_attrs"].untag().dump(), padding.PKCS1v15(), hashes.SHA256())


def test_bootmend_s_own_readers_agree(authority: LabAuthority) -> None:
    members = _members(25)
    for version in (1, 2):
        catalog = make_catalog(authority, members, version=version, package_name="Lab-Package", when=WHEN)
        found = set(member_hashes(catalog, "lab.cat"))
        expected = {member.sha1 for member in members}
        assert found == (expected if version == 1 else expected | {member.sha256 for member in members})
        assert len(read_catalog(catalog, "lab.cat").members) == len(members) * version


def test_a_catalog_repeats_and_others_differ(authority: LabAuthority) -> None:
    members = _members(5)
    first = make_catalog(authority, members, package_name="A", when=WHEN, timestamp=True)
    assert make_catalog(authority, list(reversed(members)), package_name="A", when=WHEN, timestamp=True) == first
    assert make_catalog(authority, members, package_name="B", when=WHEN, timestamp=True) != first
    other = LabAuthority.ephemeral("catalogs")
    assert len(make_catalog(other, members, package_name="A", when=WHEN, timestamp=True)) == len(first)


def test_an_unsigned_catalog_lists_the_same_and_carries_no_signer(authority: LabAuthority) -> None:
    members = _members(5)
    signed, listed = _parse(make_unsigned_catalog(members, package_name="A", when=WHEN))
    assert len(signed["signer_infos"]) == 0
    assert len(signed["digest_algorithms"]) == 0
    assert listed.whole == _parse(make_catalog(authority, members, package_name="A", when=WHEN))[1].whole


def test_members_that_cannot_be_listed_are_refused(authority: LabAuthority) -> None:
    for version, member in (
        (1, Member(name="a.sys", sha256=bytes(32))),
        (2, Member(name="a.sys")),
        (3, Member(name="a.sys", sha1=bytes(20))),
    ):
        with pytest.raises(Misuse):
            make_catalog(authority, [member], version=version, when=WHEN)
    with pytest.raises(Misuse, match="20 bytes"):
        Member(name="a.sys", sha1=bytes(32))
    with pytest.raises(Misuse, match="32"):
        Member(name="a.sys", sha256=bytes(20))


def _osslsigncode(folder: Path, catalog: bytes, image: bytes, root_pem: bytes) -> bool:
    (folder / "lab.cat").write_bytes(catalog)
    (folder / "lab.sys").write_bytes(image)
    (folder / "root.pem").write_bytes(root_pem)
    command = ["osslsigncode", "verify", "-CAfile", "root.pem", "-TSA-CAfile", "root.pem"]
    command += ["-catalog", "lab.cat", "-in", "lab.sys"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode == 0 and "Succeeded" in done.stdout


@pytest.mark.skipif(not shutil.which("osslsigncode"), reason="osslsigncode is not installed")
@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("timestamp", [False, True])
def test_osslsigncode_accepts_and_refuses(
    authority: LabAuthority, tmp_path: Path, version: int, timestamp: bool
) -> None:
    image = make_driver("a.sys", version="1.0", description="a", company="b", size=12_000)
    member = Member(name="a.sys", sha1=image_digest(image, "sha1"), sha256=image_digest(image, "sha256"))

    def accepts(members: Sequence[Member], image: bytes = image, **how: Any) -> bool:
        catalog = make_catalog(authority, members, version=version, when=how.pop("when", WHEN), **how)
        return _osslsigncode(tmp_path, catalog, image, authority.root_pem)

    members = [*_members(6), member]
    assert accepts(members, timestamp=timestamp)
    assert accepts(members, timestamp=timestamp, leaf=authority.whcp)
    assert not accepts(_members(6), timestamp=timestamp)
    assert not accepts(members, image=image[:-600] + b"!" + image[-599:], timestamp=timestamp)
    assert not accepts(members, timestamp=timestamp, leaf=bad_leaves.foreign(authority))
    assert not accepts(members, timestamp=timestamp, leaf=bad_leaves.issued_by_leaf(authority))
    # Made while it was valid: the stamp says so, or nobody does.
    lapsed = bad_leaves.expired(authority)
    assert accepts(members, timestamp=timestamp, leaf=lapsed, when=bad_leaves.LAPSED_SINCE) == timestamp


def test_the_last_of_many_catalogs_costs_no_more_than_the_first(authority: LabAuthority) -> None:
    choice = random.Random(1)
    for number in range(300):
        listed = [
            Member(name=f"file{one}.sys", sha1=choice.randbytes(20), sha256=choice.randbytes(32)) for one in range(27)
        ]
        with bounded_work(calls=10_000):
            assert make_catalog(authority, listed, version=1 + number % 2, package_name=f"P{number}", when=WHEN)
