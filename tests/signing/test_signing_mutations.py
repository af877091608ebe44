"""Damaged images, catalogs and signatures by the thousand: a verdict, and never "valid" for changed content."""

from __future__ import annotations

import random
from dataclasses import replace

from der_maker import TRUST_LIST, member, trust_list
from driver_wheels import WINDIVERT, wheel_file
from signing_lab import NOW, Recipe, message, root, signed_image
from signing_real import carved_catalogs
from small_pe import small_pe

from bootmend.errors import ParseError
from bootmend.formats.pe import Pe
from bootmend.signing.audit import Auditor
from bootmend.signing.catalog import member_hashes
from bootmend.signing.embedded import embedded_messages
from bootmend.signing.envelope import open_envelope
from bootmend.signing.hashing import image_hashes
from bootmend.signing.index import CatalogIndex
from bootmend.signing.policy import KernelPolicy
from bootmend.signing.roots import Trust
from bootmend.signing.verdict import Status

IMAGE = small_pe()
STAMPED = Recipe(stamp="rfc3161")


def auditor(catalog: bytes = b"") -> Auditor:
    index = CatalogIndex()
    index.add("a.cat", catalog)
    return Auditor(index, lambda _: catalog, Trust([root().pem]), KernelPolicy(), now=NOW)


def damaged(data: bytes, rng: random.Random, low: int = 0, high: int | None = None) -> bytes:
    """One to four bytes changed between `low` and `high`, sometimes cut short."""
    changed = bytearray(data)
    for _ in range(rng.randrange(1, 5)):
        at = rng.randrange(low, high or len(data))
        changed[at] = (changed[at] + rng.randrange(1, 256)) & 0xFF
    if rng.random() < 0.1:
        del changed[rng.randrange(len(changed)) :]
    return bytes(changed)


def test_damaged_images_are_never_valid() -> None:
    rng = random.Random(20348)
    good = signed_image(IMAGE, replace(STAMPED, nested=(message(IMAGE, STAMPED),)))
    check = auditor()
    assert check.audit(good, "good").status is Status.VALID
    table = len(IMAGE)
    pe = Pe.parse(good, "good")
    assert pe.certificate_entry is not None
    outside = {
        *range(pe.checksum_offset, pe.checksum_offset + 4),
        *range(pe.certificate_entry, pe.certificate_entry + 8),
    }
    seen = set()
    for _ in range(2000):
        data = damaged(good, rng, 0, table)
        covered = any(a != b for at, (a, b) in enumerate(zip(good[:table], data, strict=False)) if at not in outside)
        status = check.audit(data, "damaged").status
        seen.add(status)
        if covered or len(data) != len(good):
            assert status is not Status.VALID
    assert {Status.HASH_MISMATCH, Status.NOT_A_DRIVER} <= seen


def test_damaged_signatures_never_vouch_for_another_image() -> None:
    rng = random.Random(311)
    good = signed_image(IMAGE)
    other = bytearray(good)
    other[0x500] ^= 1
    check = auditor()
    seen = set()
    for _ in range(2000):
        damage = damaged(good, rng, len(IMAGE))
        seen.add(check.audit(damage, "damaged").status)
        assert check.audit(bytes(other[: len(IMAGE)]) + damage[len(IMAGE) :], "other").status is not Status.VALID
    assert {Status.HASH_MISMATCH, Status.EXPIRED} <= seen


def test_damaged_catalogs_vouch_for_nothing_new() -> None:
    rng = random.Random(14)
    digest = image_hashes(IMAGE, Pe.parse(IMAGE, "image")).sha256
    listing = STAMPED.sign(TRUST_LIST, trust_list(member(digest), member(bytes(20)), package="p"))
    # The catalog of another file, damaged so that it lists this one: its own signature gives it away.
    silent = STAMPED.sign(TRUST_LIST, trust_list(member(bytes(32)), package="p"))
    assert auditor(listing).audit(IMAGE, "image").status is Status.VALID
    seen = set()
    for _ in range(1500):
        data = damaged(listing, rng)
        status = auditor(data).audit(IMAGE, "image").status
        seen.add(status)
        if status is Status.VALID:
            envelope = open_envelope(data, "damaged")
            sound = open_envelope(listing, "sound")
            assert envelope.content is not None and sound.content is not None
            assert envelope.content.content == sound.content.content
        forged = damaged(silent, rng).replace(bytes(32), digest)
        assert auditor(forged).audit(IMAGE, "image").status is not Status.VALID
    assert {Status.VALID, Status.HASH_MISMATCH, Status.NOT_SIGNED, Status.EXPIRED} <= seen


def test_damaged_real_messages_raise_nothing_else() -> None:
    rng = random.Random(2006)
    image = wheel_file(*WINDIVERT)
    check = auditor()
    table = Pe.parse(image, "image").certificate_table
    assert table is not None
    seen = set()
    for _ in range(300):
        data = damaged(image, rng, table[0])
        seen.add(check.audit(data, "damaged").status)
    assert Status.VALID in seen
    real = carved_catalogs()
    for _ in range(700):
        data = damaged(rng.choice(real), rng)
        try:
            hashes = member_hashes(data, "damaged.cat")
        except ParseError:
            continue
        assert all(len(one) in (20, 32) for one in hashes)
        detail = auditor(data).catalog_verdict("a.cat")
        assert detail.why


def test_damaged_certificate_tables() -> None:
    rng = random.Random(8)
    good = signed_image(IMAGE)
    refused = 0
    for _ in range(500):
        data = damaged(good, rng, len(IMAGE), len(IMAGE) + 8)
        try:
            list(embedded_messages(data, Pe.parse(data, "damaged")))
        except ParseError:
            refused += 1
    assert 100 < refused < 500
