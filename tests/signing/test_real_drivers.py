"""Verdicts on real drivers and libraries, whose signers and histories are known."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from driver_wheels import VCRUNTIME, WINDIVERT, WINDIVERT_2015, WINIO, WINIO_UNSIGNED, wheel_file, wheel_files
from signing_real import carved_catalogs, carved_images

from bootmend.signing.audit import Auditor
from bootmend.signing.index import CatalogIndex
from bootmend.signing.policy import KernelPolicy
from bootmend.signing.roots import Trust
from bootmend.signing.verdict import Root, Status, Verdict

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def audit(data: bytes, catalogs: tuple[bytes, ...] = (), policy: KernelPolicy | None = None) -> Verdict:
    index = CatalogIndex()
    for number, catalog in enumerate(catalogs):
        index.add(str(number), catalog)
    auditor = Auditor(index, lambda name: catalogs[int(name)], Trust(), policy or KernelPolicy(build=20348), now=NOW)
    return auditor.audit(data, "driver.sys")


def test_a_vendors_signature_first_and_microsofts_nested() -> None:
    verdict = audit(wheel_file(*WINDIVERT))
    assert verdict.status is Status.VALID
    assert verdict.microsoft
    assert verdict.signer == "Microsoft Windows Hardware Compatibility Publisher"
    first, nested = verdict.signatures
    assert (first.status, first.root) == (Status.UNTRUSTED, Root.PUBLIC)
    assert (nested.status, nested.root) == (Status.VALID, Root.MICROSOFT)
    assert first.stamped is not None and first.stamped.isoformat() == "2022-09-20T04:54:19+00:00"
    assert nested.stamped is not None and nested.stamped.isoformat() == "2022-09-20T05:04:26+00:00"


def test_cross_signed_before_the_rule_of_2015() -> None:
    data = wheel_file(*WINDIVERT_2015)
    verdict = audit(data, policy=KernelPolicy(build=20348, secure_boot=True))
    assert (verdict.status, verdict.kernel_would_refuse, verdict.microsoft) == (Status.VALID, False, False)
    (only,) = verdict.signatures
    assert (only.root, only.digest) == (Root.CROSS, "sha1")
    assert only.stamped is not None and only.stamped.date().isoformat() == "2015-07-28"


def test_a_bare_counter_signature_of_2010() -> None:
    verdict = audit(wheel_file(*WINIO))
    assert (verdict.status, verdict.signer) == (Status.UNTRUSTED, "Internals.com(Test)")
    stamped = verdict.signatures[0].stamped
    assert stamped is not None and stamped.date().isoformat() == "2010-05-09"


def test_unsigned() -> None:
    assert audit(wheel_file(*WINIO_UNSIGNED), carved_catalogs()).status is Status.NOT_SIGNED


def test_an_application_of_microsoft() -> None:
    files = wheel_files(VCRUNTIME[0], ".dll")
    assert len(files) > 10
    for name, data in files.items():
        verdict = audit(data)
        assert (verdict.status, verdict.microsoft) == (Status.VALID, True), name


def test_a_driver_with_its_catalog() -> None:
    image = carved_images()["wintun.sys"]
    verdict = audit(image, carved_catalogs())
    assert (verdict.status, verdict.embedded, verdict.catalog) == (Status.VALID, True, "0")
    stripped = bytearray(image[: -(len(image) - 20992)])
    at = stripped.find(b"PE\0\0") + 24 + 112 + 32
    stripped[at : at + 8] = bytes(8)
    alone = audit(bytes(stripped), carved_catalogs())
    assert (alone.status, alone.embedded, alone.catalog) == (Status.VALID, False, "0")
    assert alone.signer == "Microsoft Windows Hardware Compatibility Publisher"
    assert not alone.kernel_would_refuse
    assert audit(bytes(stripped)).status is Status.NOT_SIGNED


@pytest.mark.parametrize("name", ["driver1", "driver2", "driver3"])
def test_a_vendors_catalog_is_not_enough(name: str) -> None:
    image = carved_images()[name]
    verdict = audit(image, carved_catalogs())
    assert (verdict.status, verdict.catalog) == (Status.VALID, None)
    assert [(one.status, one.root) for one in verdict.signatures] == [
        (Status.EXPIRED, Root.CROSS),  # cross-signed, but never stamped, and its certificate ended in 2024
        (Status.VALID, Root.MICROSOFT),
        (Status.UNTRUSTED, Root.PUBLIC),
        (Status.UNTRUSTED, Root.PUBLIC),  # the catalog
    ]
    assert verdict.signatures[-1].source.isdigit()
