"""Every decision about a signature, both ways, on images signed by a small authority of the tests' own."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from der_maker import TRUST_LIST, catalog, member, trust_list
from signing_lab import (
    CODE,
    LIFETIME,
    NOW,
    SIGNED,
    SPC,
    STAMPING,
    TLS,
    WHCP,
    WINDOWS,
    Recipe,
    embed,
    indirect_data,
    intermediate,
    issue,
    leaf,
    message,
    over_md5,
    root,
    signed_image,
    stamper,
)
from small_pe import small_pe

from bootmend.errors import Missing
from bootmend.formats.pe import ARM64, Pe
from bootmend.signing.audit import Auditor
from bootmend.signing.certificate import load
from bootmend.signing.denied import NOTHING_DENIED, DenyList
from bootmend.signing.hashing import image_hashes
from bootmend.signing.index import CatalogIndex
from bootmend.signing.policy import KernelPolicy
from bootmend.signing.roots import Trust
from bootmend.signing.verdict import Root, Status, Verdict

IMAGE = small_pe()
STAMPED = Recipe(stamp="rfc3161")
PLAIN = Recipe()
IN_ITS_LIFE = datetime(2021, 1, 1, tzinfo=UTC)


def audit(
    data: bytes,
    catalogs: dict[str, bytes] | None = None,
    *,
    trusted: bool = True,
    now: datetime = NOW,
    policy: KernelPolicy | None = None,
    denied: DenyList = NOTHING_DENIED,
) -> Verdict:
    index = CatalogIndex()
    store = catalogs or {}
    for name, content in store.items():
        index.add(name, content)
    trust = Trust([root().pem] if trusted else [])
    auditor = Auditor(index, store.__getitem__, trust, policy or KernelPolicy(), denied=denied, now=now)
    return auditor.audit(data, "driver.sys")


def sign_catalog(recipe: Recipe, *digests: bytes) -> bytes:
    return recipe.sign(TRUST_LIST, trust_list(*(member(one) for one in digests)))


SHA256 = image_hashes(IMAGE, Pe.parse(IMAGE, "image")).sha256
SHA1 = image_hashes(IMAGE, Pe.parse(IMAGE, "image")).sha1


def test_a_good_signature() -> None:
    verdict = audit(signed_image(IMAGE))
    assert (verdict.status, verdict.ntstatus, verdict.kernel_would_refuse) == (Status.VALID, 0, False)
    assert (verdict.embedded, verdict.catalog, verdict.signer, verdict.microsoft) == (True, None, "test leaf", True)
    detail = verdict.signatures[0]
    assert detail.chain == ("test leaf", "test intermediate", "test root")
    assert (detail.root, detail.stamped, detail.digest) == (Root.EXTRA, SIGNED, "sha256")
    assert verdict.sha256 == SHA256.hex()
    assert verdict.sha1 == SHA1.hex()
    assert verdict.checksum_matches
    assert "test leaf" in verdict.evidence[0].what


def test_no_signature_at_all() -> None:
    verdict = audit(IMAGE)
    assert (verdict.status, verdict.ntstatus, verdict.embedded) == (Status.NOT_SIGNED, 0xC0000428, False)
    assert verdict.kernel_would_refuse
    assert verdict.signatures == ()


def test_a_changed_byte_and_a_changed_checksum() -> None:
    data = bytearray(signed_image(IMAGE))
    data[0x450] ^= 1
    assert audit(bytes(data)).status is Status.HASH_MISMATCH
    data[0x450] ^= 1
    at = Pe.parse(bytes(data), "x").checksum_offset
    data[at] ^= 1
    verdict = audit(bytes(data))
    assert verdict.status is Status.VALID
    assert not verdict.checksum_matches
    assert any("checksum" in one.what for one in verdict.evidence)


def test_data_behind_the_certificate_table_is_noticed() -> None:
    assert audit(signed_image(IMAGE) + bytes(8)).status is Status.HASH_MISMATCH


def test_padding_inside_the_certificate_table_is_not_signed() -> None:
    one = message(IMAGE, STAMPED)
    assert audit(embed(IMAGE, one + b"more after the message")).status is Status.VALID
    odd = one + bytes((3 - len(one)) % 8)
    for counted in (True, False):
        both = audit(embed(IMAGE, odd, odd, counts_filling=counted))
        assert [found.status for found in both.signatures] == [Status.VALID, Status.VALID]


BY_LEAF = {
    "TLS certificate": issue("tls", intermediate(), ca=False, usages=(TLS,)),
    "no usage at all": issue("no usage", intermediate(), ca=False),
    "may not sign data": issue("no data", intermediate(), ca=False, usages=(CODE,), signs=False),
    "time stamping only": issue("stamping only", intermediate(), ca=False, usages=(STAMPING,)),
    "strange critical extension": issue("strange", intermediate(), ca=False, usages=(CODE,), critical="1.2.3.4.5"),
    "signed over MD5": over_md5(issue("old", intermediate(), ca=False, usages=(CODE,)), intermediate()),
}


@pytest.mark.parametrize("name", BY_LEAF)
def test_leaves_that_may_not_sign_code(name: str) -> None:
    verdict = audit(signed_image(IMAGE, by=BY_LEAF[name]))
    assert verdict.status is Status.UNTRUSTED, verdict.evidence
    assert verdict.kernel_would_refuse


@pytest.mark.parametrize("usage", [CODE, WHCP, WINDOWS, "1.3.6.1.4.1.311.61.4.1", "2.5.29.37.0"])
def test_leaves_that_may(usage: str) -> None:
    by = issue(f"leaf for {usage}", intermediate(), ca=False, usages=(usage,), key="shared")
    verdict = audit(signed_image(IMAGE, by=by))
    assert verdict.status is Status.VALID, verdict.evidence
    assert verdict.microsoft is (usage not in (CODE, "2.5.29.37.0"))


def test_an_issuer_must_be_an_authority() -> None:
    not_ca = issue("not a ca", root(), ca=False, usages=(CODE,), years=(2011, 2035))
    silent = issue("says nothing", root(), ca=None, years=(2011, 2035))
    no_certificates = issue("may not certify", root(), ca=True, certifies=False, years=(2011, 2035))
    good = issue("good ca", root(), ca=True, years=(2011, 2035))
    for issuer, expected in (
        (not_ca, Status.UNTRUSTED),
        (silent, Status.UNTRUSTED),
        (no_certificates, Status.UNTRUSTED),
        (good, Status.VALID),
    ):
        by = issue("leaf below it", issuer, ca=False, usages=(CODE,), key="shared")
        assert audit(signed_image(IMAGE, by=by, certificates=(issuer,))).status is expected


def test_path_length_counts_the_authorities_below() -> None:
    for allowed, expected in ((0, Status.UNTRUSTED), (1, Status.VALID), (None, Status.VALID)):
        upper = issue("upper", root(), ca=True, path_length=allowed, years=(2011, 2035))
        lower = issue("lower", upper, ca=True, years=(2011, 2035))
        by = issue("leaf two below", lower, ca=False, usages=(CODE,), key="shared")
        assert audit(signed_image(IMAGE, by=by, certificates=(upper, lower))).status is expected


def test_usages_narrow_down_the_chain() -> None:
    for usages, expected in (((TLS,), Status.UNTRUSTED), ((CODE, TLS), Status.VALID), (None, Status.VALID)):
        issuer = issue("narrow ca", root(), ca=True, usages=usages, years=(2011, 2035))
        by = issue("leaf of narrow", issuer, ca=False, usages=(CODE, TLS), key="shared")
        assert audit(signed_image(IMAGE, by=by, certificates=(issuer,))).status is expected


def test_a_chain_may_have_more_than_one_way() -> None:
    foreign = issue("foreign root", ca=True, years=(2010, 2040))
    shared = issue("two ways", foreign, ca=True, years=(2011, 2035))
    crossed = issue("two ways", root(), ca=True, years=(2011, 2035), serial=77)
    by = issue("leaf of two ways", shared, ca=False, usages=(CODE,), key="shared")
    assert audit(signed_image(IMAGE, by=by, certificates=(shared, foreign))).status is Status.UNTRUSTED
    for listed in ((shared, foreign, crossed), (crossed, shared, foreign)):
        assert audit(signed_image(IMAGE, by=by, certificates=listed)).status is Status.VALID


def test_nobody_on_the_disk_adds_trust() -> None:
    data = signed_image(IMAGE, certificates=(intermediate(), root()))
    assert audit(data, trusted=False).status is Status.UNTRUSTED
    assert audit(data, trusted=True).status is Status.VALID
    impostor = issue("test root", ca=True, years=(2010, 2040), key="impostor", serial=root().certificate.serial_number)
    below = issue("impostor ca", impostor, ca=True, years=(2011, 2035))
    by = issue("leaf of impostor", below, ca=False, usages=(CODE,), key="shared")
    assert audit(signed_image(IMAGE, by=by, certificates=(below, impostor))).status is Status.UNTRUSTED
    assert audit(signed_image(IMAGE, by=by, certificates=(below,))).status is Status.CHAIN_INCOMPLETE


def test_a_self_signed_certificate() -> None:
    own = issue("self-signed", ca=False, usages=(CODE,))
    assert audit(signed_image(IMAGE, by=own, certificates=())).status is Status.UNTRUSTED


def test_an_issuer_that_is_not_at_hand() -> None:
    verdict = audit(signed_image(IMAGE, certificates=()))
    assert verdict.status is Status.CHAIN_INCOMPLETE
    assert verdict.ntstatus == 0xC0000428
    assert audit(signed_image(IMAGE, with_own=False)).status is Status.CHAIN_INCOMPLETE


@pytest.mark.parametrize("stamp", ["rfc3161", "legacy", "bare"])
def test_a_time_stamp_keeps_a_signature_alive(stamp: str) -> None:
    verdict = audit(signed_image(IMAGE, stamp=stamp))
    assert verdict.status is Status.VALID, verdict.evidence
    assert verdict.signatures[0].stamped == SIGNED


def test_a_time_stamp_token_needs_no_signing_time_beside_its_own() -> None:
    with_it, without = (signed_image(IMAGE, stamp_says_when=says) for says in (True, False))
    assert len(without) < len(with_it)
    for data in (with_it, without):
        assert audit(data).signatures[0].stamped == SIGNED


def test_without_a_time_stamp_the_present_counts() -> None:
    data = signed_image(IMAGE, PLAIN)
    expired = audit(data)
    assert (expired.status, expired.ntstatus) == (Status.EXPIRED, 0xC0000605)
    assert audit(data, now=IN_ITS_LIFE).status is Status.VALID
    assert audit(data, now=datetime(2014, 1, 1, tzinfo=UTC)).status is Status.EXPIRED


def test_the_bare_form_is_for_counter_signatures_only() -> None:
    assert audit(signed_image(IMAGE, bare=True)).status is Status.HASH_MISMATCH


BAD_STAMPS: dict[str, dict[str, Any]] = {
    "over another signature": {"stamp_other": True},
    "by a code certificate": {"stamped_by": leaf()},
    "by a foreign authority": {"stamped_by": issue("foreign stamper", ca=False, usages=(STAMPING,))},
    "after the leaf's life": {"stamp_time": datetime(2024, 6, 1, tzinfo=UTC)},
    "after the stamper's life": {"stamped_by": issue("late", root(), ca=False, usages=(STAMPING,), years=(2001, 2012))},
}


@pytest.mark.parametrize("stamp", ["rfc3161", "legacy"])
@pytest.mark.parametrize("name", BAD_STAMPS)
def test_bad_stamps_are_as_good_as_none(name: str, stamp: str) -> None:
    recipe = replace(STAMPED, stamp=stamp, **BAD_STAMPS[name])
    assert audit(signed_image(IMAGE, recipe)).status is Status.EXPIRED
    if "leaf's life" not in name:
        assert audit(signed_image(IMAGE, recipe), now=IN_ITS_LIFE).status is Status.VALID


def test_lifetime_signing_ends_with_the_certificate() -> None:
    by = issue("lifetime", intermediate(), ca=False, usages=(CODE, LIFETIME))
    data = signed_image(IMAGE, by=by)
    assert audit(data).status is Status.EXPIRED
    assert audit(data, now=IN_ITS_LIFE).status is Status.VALID


@pytest.mark.parametrize("kind", ["sha1", "sha256", "sha384", "sha512"])
def test_hash_algorithms(kind: str) -> None:
    recipe = replace(STAMPED, digest=kind)
    assert audit(embed(IMAGE, message(IMAGE, recipe, kind))).status is Status.VALID


def test_md5_is_not_taken() -> None:
    assert audit(embed(IMAGE, message(IMAGE, replace(STAMPED, digest="md5")))).status is Status.UNTRUSTED
    assert audit(embed(IMAGE, message(IMAGE, STAMPED, "md5"))).status is Status.HASH_MISMATCH


def test_elliptic_curves_and_key_identifiers() -> None:
    by = issue("ec leaf", intermediate(), ca=False, usages=(CODE,))
    assert audit(signed_image(IMAGE, by=by)).status is Status.VALID
    assert audit(signed_image(IMAGE, by=by, spoil=True)).status is Status.HASH_MISMATCH
    assert audit(signed_image(IMAGE, by_key_identifier=True)).status is Status.VALID


@pytest.mark.parametrize("spoiled", [{"spoil": True}, {"attributes": False}, {"double_digest": True}])
def test_spoiled_signers(spoiled: dict[str, Any]) -> None:
    assert audit(signed_image(IMAGE, replace(STAMPED, **spoiled))).status is Status.HASH_MISMATCH


def test_only_an_image_signature_counts_for_an_image() -> None:
    flat = STAMPED.sign(SPC, indirect_data(SHA256, subject="1.3.6.1.4.1.311.2.1.25"))
    assert audit(embed(IMAGE, flat)).status is Status.HASH_MISMATCH
    as_catalog = sign_catalog(STAMPED, SHA256)
    assert audit(embed(IMAGE, as_catalog)).status is Status.HASH_MISMATCH


def test_several_certificates_and_nested_signatures() -> None:
    good = message(IMAGE, STAMPED)
    foreign = message(IMAGE, replace(STAMPED, by=issue("stranger", ca=False, usages=(CODE,)), certificates=()))
    assert audit(embed(IMAGE, foreign)).status is Status.UNTRUSTED
    assert audit(embed(IMAGE, foreign, good)).status is Status.VALID
    assert audit(embed(IMAGE, good, foreign)).status is Status.VALID
    stranger = replace(STAMPED, by=issue("stranger", ca=False, usages=(CODE,)), certificates=())
    inside = audit(embed(IMAGE, message(IMAGE, replace(stranger, nested=(foreign, good)))))
    assert inside.status is Status.VALID
    assert [one.status for one in inside.signatures] == [Status.UNTRUSTED, Status.UNTRUSTED, Status.VALID]
    assert inside.signer == "test leaf"


def test_nesting_without_end_is_cut_off() -> None:
    one = message(IMAGE, replace(PLAIN, spoil=True))
    for _ in range(6):
        one = message(IMAGE, replace(PLAIN, spoil=True, nested=(one,) * 3))
    verdict = audit(embed(IMAGE, one))
    assert verdict.status is Status.HASH_MISMATCH
    assert len(verdict.signatures) == 64


def test_a_table_filled_up_with_zeros() -> None:
    data = bytearray(embed(IMAGE, message(IMAGE, STAMPED)) + bytes(512))
    entry = Pe.parse(bytes(data), "image").certificate_entry
    assert entry is not None
    data[entry + 4 : entry + 8] = (len(data) - len(IMAGE)).to_bytes(4, "little")
    assert audit(bytes(data)).status is Status.VALID
    data[-3] = 1
    assert [one.status for one in audit(bytes(data)).signatures] == [Status.VALID, Status.HASH_MISMATCH]


def test_names_off_the_disk_are_fit_to_be_shown() -> None:
    by = issue("evil\x1b[31m\n" + "x" * 40, intermediate(), ca=False, usages=(CODE,))
    assert audit(signed_image(IMAGE, by=by)).signer == "evil?[31m?" + "x" * 40


def test_a_certificate_table_that_is_not_sound() -> None:
    good = message(IMAGE, STAMPED)
    assert audit(embed(IMAGE, good, kind=1)).status is Status.HASH_MISMATCH
    data = embed(IMAGE, good)
    assert audit(data[:-64]).status is Status.HASH_MISMATCH
    assert audit(data[:-64]).embedded
    broken = bytearray(data)
    broken[0x600] = 7
    assert audit(bytes(broken)).status is Status.HASH_MISMATCH


def test_not_an_image() -> None:
    for data in (b"", b"MZ", IMAGE[:0x500], bytes(1000)):
        verdict = audit(data)
        assert (verdict.status, verdict.ntstatus) == (Status.NOT_A_DRIVER, 0xC000007B)
        assert verdict.kernel_would_refuse
    arm = KernelPolicy(machine=ARM64)
    assert audit(signed_image(IMAGE), policy=arm).status is Status.NOT_A_DRIVER
    assert audit(signed_image(IMAGE), policy=KernelPolicy(machine=0x8664)).status is Status.VALID


def test_the_deny_list() -> None:
    data = signed_image(IMAGE)
    own = load(leaf().der)
    ca = load(intermediate().der)
    for denied in (
        DenyList(thumbprints=frozenset({own.thumbprint})),
        DenyList(serials=frozenset({(ca.issuer, ca.serial)})),
        DenyList(images=frozenset({SHA256})),
        DenyList(images=frozenset({SHA1})),
    ):
        verdict = audit(data, denied=denied)
        assert (verdict.status, verdict.ntstatus) == (Status.REVOKED, 0xC0000603)
        assert verdict.kernel_would_refuse
    stamps_only = DenyList(thumbprints=frozenset({load(stamper().der).thumbprint}))
    assert audit(data, denied=stamps_only).status is Status.EXPIRED
    assert audit(data, denied=DenyList(images=frozenset({bytes(32)}))).status is Status.VALID


@pytest.mark.parametrize("digest", [SHA1, SHA256, (SHA1.hex().upper() + "\0").encode("utf-16-le")])
def test_a_catalog_covers_a_file(digest: bytes) -> None:
    verdict = audit(IMAGE, {"good.cat": sign_catalog(STAMPED, bytes(32), digest)})
    assert (verdict.status, verdict.catalog, verdict.embedded) == (Status.VALID, "good.cat", False)
    assert verdict.signer == "test leaf"
    assert (
        audit(small_pe(code=b"\x90" * 0x200), {"good.cat": sign_catalog(STAMPED, digest)}).status is Status.NOT_SIGNED
    )


def test_a_bad_catalog_does_not_hide_a_good_one() -> None:
    unsigned = catalog(member(SHA256))
    good = sign_catalog(STAMPED, SHA256)
    changed = good.replace(SHA256, SHA256[:-1] + b"\1")
    forged = sign_catalog(STAMPED, bytes(32)).replace(bytes(32), SHA256)
    expired = sign_catalog(PLAIN, SHA256)
    bad = {"1-unsigned.cat": unsigned, "2-changed.cat": changed, "3-forged.cat": forged, "4-expired.cat": expired}
    verdict = audit(IMAGE, bad)
    assert verdict.status is Status.EXPIRED
    assert verdict.catalog is None
    assert {one.source: one.status for one in verdict.signatures} == {
        "1-unsigned.cat": Status.NOT_SIGNED,
        "3-forged.cat": Status.HASH_MISMATCH,
        "4-expired.cat": Status.EXPIRED,
    }
    assert audit(IMAGE, {"3-forged.cat": forged}).status is Status.HASH_MISMATCH
    assert audit(IMAGE, {"1-unsigned.cat": unsigned}).status is Status.NOT_SIGNED
    covered = audit(IMAGE, {**bad, "5-good.cat": good})
    assert (covered.status, covered.catalog) == (Status.VALID, "5-good.cat")


def test_a_catalog_makes_good_for_a_foreign_signature() -> None:
    foreign = signed_image(IMAGE, by=issue("stranger", ca=False, usages=(CODE,)), certificates=())
    verdict = audit(foreign, {"good.cat": sign_catalog(STAMPED, SHA256)})
    assert (verdict.status, verdict.catalog, verdict.embedded) == (Status.VALID, "good.cat", True)
    assert verdict.signer == "test leaf"


def test_a_catalog_is_checked_once_and_against_what_was_indexed() -> None:
    index = CatalogIndex()
    index.add("a.cat", sign_catalog(STAMPED, SHA256))
    loaded: list[str] = []

    def swapped(name: str) -> bytes:
        loaded.append(name)
        return sign_catalog(STAMPED, bytes(32))

    auditor = Auditor(index, swapped, Trust([root().der]), KernelPolicy(), now=NOW)
    assert auditor.audit(IMAGE, "a.sys").status is Status.NOT_SIGNED
    assert auditor.audit(IMAGE, "b.sys").status is Status.NOT_SIGNED
    assert auditor.catalog_verdict("a.cat").status is Status.VALID
    assert loaded == ["a.cat"]


def test_a_signature_nested_in_a_catalog() -> None:
    good = sign_catalog(STAMPED, SHA256)
    stranger = replace(STAMPED, by=issue("stranger", ca=False, usages=(CODE,)), certificates=())
    assert audit(IMAGE, {"a.cat": sign_catalog(stranger, SHA256)}).status is Status.UNTRUSTED
    verdict = audit(IMAGE, {"a.cat": sign_catalog(replace(stranger, nested=(good,)), SHA256)})
    assert (verdict.status, verdict.catalog, verdict.signer) == (Status.VALID, "a.cat", "test leaf")
    # A genuine catalog of other files, nested in a stranger's list, vouches for its own list only.
    other = sign_catalog(STAMPED, bytes(32))
    forged = audit(IMAGE, {"a.cat": sign_catalog(replace(stranger, nested=(other,)), SHA256)})
    assert (forged.status, forged.catalog) == (Status.UNTRUSTED, None)


def test_a_catalog_that_cannot_be_read_any_more() -> None:
    index = CatalogIndex()
    index.add("gone.cat", sign_catalog(STAMPED, SHA256))

    def gone(name: str) -> bytes:
        raise Missing(f"{name}: no such file")

    auditor = Auditor(index, gone, Trust([root().der]), KernelPolicy(), now=NOW)
    verdict = auditor.audit(IMAGE, "a.sys")
    assert (verdict.status, verdict.catalog) == (Status.HASH_MISMATCH, None)
    assert "gone.cat" in verdict.evidence[0].what
