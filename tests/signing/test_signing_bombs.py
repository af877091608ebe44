"""Signatures and catalogs that cost more than they are worth: bounded, and never taken for good."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from der_maker import TRUST_LIST, catalog, member, signed_message, trust_list
from signing_lab import NOW, Recipe, embed, intermediate, message, root, signed_image
from small_pe import small_pe

from bootmend.formats.pe import Pe
from bootmend.signing import effort
from bootmend.signing.audit import Auditor
from bootmend.signing.hashing import image_hashes
from bootmend.signing.index import CatalogIndex
from bootmend.signing.policy import KernelPolicy
from bootmend.signing.roots import Trust
from bootmend.signing.verdict import Status

IMAGE = small_pe()
SHA256 = image_hashes(IMAGE, Pe.parse(IMAGE, "image")).sha256
LIST = trust_list(member(SHA256))
LATE = datetime(2031, 1, 1, tzinfo=UTC)
"""When a signature without a time stamp is not good any more."""


def auditor(catalogs: dict[str, bytes], now: datetime = NOW) -> Auditor:
    found = CatalogIndex()
    for name, data in catalogs.items():
        found.add(name, data)
    return Auditor(found, catalogs.__getitem__, Trust([root().pem]), KernelPolicy(), now=now)


def costly() -> bytes:
    """Thirty messages nested in one, 200 certificates in each."""
    crowd = Recipe(certificates=(intermediate(),) * 200)
    return Recipe(nested=tuple(crowd.sign(TRUST_LIST, LIST) for _ in range(30))).sign(TRUST_LIST, LIST)


def test_honest_files_leave_effort_over() -> None:
    good = Recipe(stamp="rfc3161")
    machine = auditor({f"{at}.cat": good.sign(TRUST_LIST, LIST) for at in range(50)})
    for _ in range(50):
        assert machine.audit(IMAGE, "driver.sys").status is Status.VALID
        assert machine.audit(signed_image(IMAGE, good), "signed.sys").status is Status.VALID
    assert machine._checker.effort.left > effort.RESERVE


def test_catalogs_full_of_certificates_are_not_looked_at_for_ever() -> None:
    bomb = costly()
    machine = auditor({f"{at}.cat": bomb for at in range(40)}, LATE)
    verdict = machine.audit(IMAGE, "driver.sys")
    assert verdict.status is not Status.VALID
    details = machine._checker.check(bomb, "bomb.cat", "bomb.cat", lambda _: "")
    assert "was not looked at" in details[-1].why
    looks = 40 * 30 * 200
    spent = effort.RESERVE + 41 * effort.PER_MESSAGE - machine._checker.effort.left
    assert spent < looks / 5


def test_one_costly_catalog_does_not_keep_a_good_one_from_being_found() -> None:
    good = Recipe(stamp="rfc3161").sign(TRUST_LIST, LIST)
    machine = auditor({"bomb.cat": costly(), "good.cat": good}, LATE)
    verdict = machine.audit(IMAGE, "driver.sys")
    assert (verdict.status, verdict.catalog) == (Status.VALID, "good.cat")


def test_an_image_with_a_thousand_signatures() -> None:
    one = message(IMAGE, Recipe())
    verdict = auditor({}, LATE).audit(embed(IMAGE, *[one] * 1000), "driver.sys")
    assert verdict.status is not Status.VALID
    assert len(verdict.signatures) < 100


@pytest.mark.parametrize("tag", [0x30, 0x31, 0xA0])
def test_elements_in_elements_without_end(tag: int) -> None:
    """Twenty thousand levels, wherever a reader may go down."""
    deep = b"\x05\x00"
    for _ in range(20_000):
        deep = bytes([tag, 0x84]) + len(deep).to_bytes(4, "big") + deep
    for data in (deep, Recipe().sign(TRUST_LIST, deep), signed_message(TRUST_LIST, LIST, deep, Recipe().by.der)):
        machine = auditor({"deep.cat": data})
        assert machine.audit(embed(IMAGE, data), "driver.sys").status is not Status.VALID


def test_the_index_counts_what_it_holds() -> None:
    found = CatalogIndex()
    found.add("large.cat", catalog(*(member(at.to_bytes(32, "big")) for at in range(500))))
    found.add("broken.cat", b"no catalog")
    found.add("twin.cat", catalog(member((7).to_bytes(32, "big")), member(b"y" * 32)))
    assert (found.listed, len(found)) == (502, 501)
