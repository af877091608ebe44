"""Planted truth: a store of lab catalogs and drivers signed well and badly; bootmend's verdicts equal the plan.

Every case says what it does to a driver, and what must be said of it. The lab computes its hashes, lists and
signatures with code of its own, so a mistake shared with `signing` is not likely; osslsigncode judges the lab's
material in the tests beside this one.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from bootmend.lab import bad_leaves
from bootmend.lab.authority import LabAuthority
from bootmend.lab.catalog_maker import Member, make_catalog, make_unsigned_catalog
from bootmend.lab.certificates import Leaf
from bootmend.lab.pe_image import AMD64, ARM64, I386
from bootmend.lab.pe_maker import make_driver
from bootmend.lab.signer import image_digest, sign_image
from bootmend.signing.audit import Auditor
from bootmend.signing.index import CatalogIndex
from bootmend.signing.policy import KernelPolicy
from bootmend.signing.roots import Trust
from bootmend.signing.verdict import Status

WHEN = datetime(2023, 12, 5, tzinfo=UTC)
WITHIN = datetime(2012, 6, 1, tzinfo=UTC)
AFTER = datetime(2014, 6, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Expected:
    """The part of a verdict that the plan knows."""

    status: Status
    embedded: bool = False
    listed: bool = False
    """A good catalog covers it."""
    microsoft: bool = False
    checksum_matches: bool = True


@dataclass
class Plant:
    """Where a case puts its catalogs; `versions` and stamps vary from driver to driver."""

    authority: LabAuthority
    bad: Mapping[str, Leaf]
    choice: random.Random
    catalogs: dict[str, bytes] = field(default_factory=dict)

    def flip(self) -> bool:
        return self.choice.random() < 0.5

    def catalog(self, image: bytes, leaf: Leaf | None = None, **how: Any) -> str:
        """A catalog of its own that lists `image` among others; its name."""
        name = f"planted-{len(self.catalogs):04}.cat"
        how = {"version": self.choice.choice((1, 2)), "when": WHEN, "timestamp": self.flip(), **how}
        self.catalogs[name] = make_catalog(
            self.authority, self.members(image), leaf=leaf or self.authority.windows, package_name=name, **how
        )
        return name

    def members(self, image: bytes) -> list[Member]:
        own = Member(name="driver.sys", sha1=image_digest(image, "sha1"), sha256=image_digest(image, "sha256"))
        return [*_fillers(self.choice, self.choice.randint(0, 20)), own]


def _fillers(choice: random.Random, count: int) -> list[Member]:
    return [
        Member(name=f"file{one}.dll", sha1=choice.randbytes(20), sha256=choice.randbytes(32)) for one in range(count)
    ]


def _damaged(image: bytes) -> bytes:
    """One bit of the code turned over."""
    return image[:0x480] + bytes([image[0x480] ^ 0x10]) + image[0x481:]


CASES: dict[str, Callable[[Plant, bytes], tuple[bytes, Expected]]] = {}


def case(plant: Callable[[Plant, bytes], tuple[bytes, Expected]]) -> None:
    CASES[plant.__name__] = plant


@case
def in_a_catalog(plant: Plant, image: bytes) -> tuple[bytes, Expected]:
    plant.catalog(image, plant.authority.whcp if plant.flip() else None)
    return image, Expected(Status.VALID, listed=True, microsoft=True)


@case
def in_a_catalog_that_lists_its_sha1_only(plant: Plant, image: bytes) -> tuple[bytes, Expected]:
    name = plant.catalog(image)
    listed = [Member(name="driver.sys", sha1=image_digest(image, "sha1"))]
    plant.catalogs[name] = make_catalog(plant.authority, listed, version=2, when=WHEN)
    return image, Expected(Status.VALID, listed=True, microsoft=True)


@case
def of_odd_size_in_a_catalog(plant: Plant, image: bytes) -> tuple[bytes, Expected]:
    odd = image + plant.choice.randbytes(plant.choice.randint(1, 7))
    plant.catalog(odd)
    return odd, Expected(Status.VALID, listed=True, microsoft=True, checksum_matches=False)


@case
def embedded_by_windows(plant: Plant, image: bytes) -> tuple[bytes, Expected]:
    signed = sign_image(image, plant.authority.windows, timestamp=plant.flip())
    return signed, Expected(Status.VALID, embedded=True, microsoft=True)


@case
def embedded_by_a_vendor(plant: Plant, image: bytes) -> tuple[bytes, Expected]:
    digest = plant.choice.choice(("sha256", "sha384"))
    signed = sign_image(image, plant.authority.vendor, timestamp=plant.flip(), digest=digest)
    return signed, Expected(Status.VALID, embedded=True)


@case
def embedded_by_a_vendor_and_in_a_catalog(plant: Plant, image: bytes) -> tuple[bytes, Expected]:
    signed = sign_image(image, plant.authority.vendor)
    plant.catalog(signed, plant.authority.whcp)
    return signed, Expected(Status.VALID, embedded=True, listed=True, microsoft=True)


@case
def nested_below_a_vendor(plant: Plant, image: bytes) -> tuple[bytes, Expected]:
    signed = sign_image(image, plant.authority.vendor, timestamp=plant.flip())
    signed = sign_image(signed, plant.authority.whcp, nested=True, timestamp=plant.flip())
    return signed, Expected(Status.VALID, embedded=True, microsoft=True)


@case
def appended_to_a_foreign_one(plant: Plant, image: bytes) -> tuple[bytes, Expected]:
    signed = sign_image(image, plant.bad["foreign"])
    return sign_image(signed, plant.authority.whcp, appended=True), Expected(
        Status.VALID, embedded=True, microsoft=True
    )


@case
def unsigned(_: Plant, image: bytes) -> tuple[bytes, Expected]:
    return image, Expected(Status.NOT_SIGNED)


@case
def in_an_unsigned_catalog(plant: Plant, image: bytes) -> tuple[bytes, Expected]:
    name = plant.catalog(image)
    plant.catalogs[name] = make_unsigned_catalog(plant.members(image), package_name=name, when=WHEN)
    return image, Expected(Status.NOT_SIGNED)


@case
def damaged_after_it_was_listed(plant: Plant, image: bytes) -> tuple[bytes, Expected]:
    plant.catalog(image)
    return _damaged(image), Expected(Status.NOT_SIGNED, checksum_matches=False)


@case
def damaged_after_it_was_signed(plant: Plant, image: bytes) -> tuple[bytes, Expected]:
    signed = sign_image(image, plant.authority.windows)
    if plant.flip():
        plant.catalog(signed)
    return _damaged(signed), Expected(Status.HASH_MISMATCH, embedded=True, checksum_matches=False)


@case
def embedded_broken_but_listed_as_it_is(plant: Plant, image: bytes) -> tuple[bytes, Expected]:
    damaged = _damaged(sign_image(image, plant.authority.vendor))
    plant.catalog(damaged)
    return damaged, Expected(Status.VALID, embedded=True, listed=True, microsoft=True, checksum_matches=False)


@case
def wrong_checksum(plant: Plant, image: bytes) -> tuple[bytes, Expected]:
    signed = bytearray(sign_image(image, plant.authority.windows))
    at = int.from_bytes(signed[0x3C:0x40], "little") + 0x58
    signed[at] ^= 1
    return bytes(signed), Expected(Status.VALID, embedded=True, microsoft=True, checksum_matches=False)


@case
def in_a_damaged_catalog(plant: Plant, image: bytes) -> tuple[bytes, Expected]:
    name = plant.catalog(image, version=2)
    catalog = plant.catalogs[name]
    # A letter of a file name in the list: still well formed, but no longer what was signed.
    plant.catalogs[name] = catalog.replace("driver.sys".encode("utf-16-le"), "drivel.sys".encode("utf-16-le"))
    return image, Expected(Status.HASH_MISMATCH)


@case
def in_a_catalog_cut_short(plant: Plant, image: bytes) -> tuple[bytes, Expected]:
    name = plant.catalog(image)
    plant.catalogs[name] = plant.catalogs[name][: plant.choice.randint(0, 600)]
    return image, Expected(Status.NOT_SIGNED)


@case
def in_a_bad_catalog_and_a_good_one(plant: Plant, image: bytes) -> tuple[bytes, Expected]:
    plant.catalog(image, plant.bad["foreign"])
    plant.catalog(image, plant.bad["expired"], timestamp=False)
    plant.catalog(image)
    plant.catalog(image, plant.bad["tls_only"])
    return image, Expected(Status.VALID, listed=True, microsoft=True)


@case
def in_a_lapsed_catalog_that_was_stamped_in_time(plant: Plant, image: bytes) -> tuple[bytes, Expected]:
    plant.catalog(image, plant.bad["expired"], timestamp=True, when=WITHIN)
    return image, Expected(Status.VALID, listed=True, microsoft=True)


@case
def signed_by_a_lapsed_leaf(plant: Plant, image: bytes) -> tuple[bytes, Expected]:
    if plant.flip():
        return sign_image(image, plant.bad["expired"], when=AFTER), Expected(Status.EXPIRED, embedded=True)
    plant.catalog(image, plant.bad["expired"], timestamp=False, when=WITHIN)
    return image, Expected(Status.EXPIRED)


def _badly(name: str, status: Status) -> None:
    def plant_it(plant: Plant, image: bytes) -> tuple[bytes, Expected]:
        if plant.flip():
            return sign_image(image, plant.bad[name], timestamp=plant.flip()), Expected(status, embedded=True)
        plant.catalog(image, plant.bad[name])
        return image, Expected(status)

    plant_it.__name__ = name
    case(plant_it)


_badly("tls_only", Status.UNTRUSTED)
_badly("issued_by_leaf", Status.UNTRUSTED)
_badly("foreign", Status.UNTRUSTED)
_badly("self_signed", Status.UNTRUSTED)
_badly("without_intermediate", Status.CHAIN_INCOMPLETE)


@case
def no_image(plant: Plant, image: bytes) -> tuple[bytes, Expected]:
    broken = plant.choice.choice((b"", image[:0x100], b"XX" + image[2:], bytes(len(image))))
    return broken, Expected(Status.NOT_A_DRIVER)


def _grow(catalogs: int, drivers: int, seed: int) -> tuple[LabAuthority, dict[str, bytes], list[Any]]:
    """The store, and (case, file name, image, expectation) for every driver."""
    authority = LabAuthority.ephemeral(seed)
    makers = (
        bad_leaves.expired,
        bad_leaves.tls_only,
        bad_leaves.issued_by_leaf,
        bad_leaves.foreign,
        bad_leaves.self_signed,
    )
    bad = {make.__name__: make(authority) for make in makers}
    bad["without_intermediate"] = bad_leaves.without_intermediate(authority.windows)
    plant = Plant(authority, bad, random.Random(seed))
    planted = []
    for number in range(drivers):
        name = list(CASES)[number % len(CASES)]
        image = make_driver(
            f"driver{number}.sys",
            version="10.0.20348.2227",
            description="Lab Driver",
            company="Lab Corporation",
            machine=plant.choice.choice((AMD64, AMD64, ARM64, I386)),
            size=plant.choice.randint(8_000, 60_000),
            seed=seed,
        )
        planted.append((name, f"driver{number}.sys", *CASES[name](plant, image)))
    store = list(plant.catalogs.items())
    for number in range(catalogs - len(store)):
        fillers = _fillers(plant.choice, plant.choice.randint(1, 30))
        store.append((f"filler-{number:04}.cat", make_catalog(authority, fillers, version=1 + number % 2, when=WHEN)))
    plant.choice.shuffle(store)
    return authority, dict(store), planted


def _wrong_verdicts(catalogs: int, drivers: int, seed: int) -> tuple[list[str], int]:
    """What differs from the plan, and how many catalogs could not be read."""
    authority, store, planted = _grow(catalogs, drivers, seed)
    index = CatalogIndex()
    for name, data in store.items():
        index.add(name, data)
    auditor = Auditor(index, store.__getitem__, Trust([authority.root_pem]), KernelPolicy())
    wrong = []
    for name, file, image, expected in planted:
        verdict = auditor.audit(image, file)
        found = Expected(
            verdict.status,
            verdict.embedded,
            verdict.catalog is not None,
            verdict.microsoft,
            verdict.checksum_matches,
        )
        refused = verdict.kernel_would_refuse
        if found != expected or refused == (expected.status is Status.VALID):
            wrong.append(f"{name} ({file}): expected {expected}, found {found}, refused {refused}, {verdict.evidence}")
    return wrong, len(index.unreadable)


def test_every_case_gets_the_verdict_it_was_planted_for() -> None:
    wrong, _ = _wrong_verdicts(catalogs=150, drivers=2 * len(CASES), seed=11)
    assert wrong == []


def test_without_trust_in_the_lab_what_was_valid_ends_in_nothing() -> None:
    _, store, planted = _grow(catalogs=60, drivers=len(CASES), seed=12)
    index = CatalogIndex()
    for name, data in store.items():
        index.add(name, data)
    auditor = Auditor(index, store.__getitem__, Trust(), KernelPolicy())
    chained = (Status.VALID, Status.EXPIRED)
    for name, file, image, expected in planted:
        status = auditor.audit(image, file).status
        if expected.status in chained:
            assert status is Status.CHAIN_INCOMPLETE, name
        else:
            assert status in {expected.status, Status.CHAIN_INCOMPLETE} - set(chained), name


@pytest.mark.slow
def test_a_whole_store_gets_the_verdicts_it_was_planted_for() -> None:
    wrong, unreadable = _wrong_verdicts(catalogs=3_000, drivers=300, seed=13)
    assert wrong == []
    assert unreadable > 0
