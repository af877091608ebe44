"""What the kernel would do, by build and boot options; never what a signature is worth."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bootmend.findings import Confidence
from bootmend.signing.policy import KernelPolicy, prospect
from bootmend.signing.verdict import Root, SignatureDetail, Status

EARLY, LATE = datetime(2015, 7, 28, tzinfo=UTC), datetime(2015, 7, 29, tzinfo=UTC)


def detail(root: Root, issued: datetime = EARLY) -> SignatureDetail:
    return SignatureDetail("embedded", Status.VALID, "", root=root, issued=issued)


@pytest.mark.parametrize(
    ("status", "policy", "refuses"),
    [
        (Status.NOT_SIGNED, KernelPolicy(), True),
        (Status.NOT_SIGNED, KernelPolicy(testsigning=True), True),
        (Status.NOT_SIGNED, KernelPolicy(nointegritychecks=True), False),
        (Status.NOT_SIGNED, KernelPolicy(nointegritychecks=True, secure_boot=True), True),
        (Status.NOT_SIGNED, KernelPolicy(nointegritychecks=True, secure_boot=False), False),
        (Status.HASH_MISMATCH, KernelPolicy(testsigning=True), True),
        (Status.UNTRUSTED, KernelPolicy(), True),
        (Status.UNTRUSTED, KernelPolicy(testsigning=True), False),
        (Status.UNTRUSTED, KernelPolicy(testsigning=True, secure_boot=True), True),
        (Status.CHAIN_INCOMPLETE, KernelPolicy(), True),
        (Status.CHAIN_INCOMPLETE, KernelPolicy(testsigning=True), False),
        (Status.EXPIRED, KernelPolicy(), True),
        (Status.REVOKED, KernelPolicy(testsigning=True), True),
        (Status.NOT_A_DRIVER, KernelPolicy(nointegritychecks=True), True),
        (Status.MISSING, KernelPolicy(nointegritychecks=True), True),
        (Status.VALID, KernelPolicy(), False),
    ],
)
def test_boot_options(status: Status, policy: KernelPolicy, refuses: bool) -> None:
    assert prospect(status, None, policy).refuses is refuses


@pytest.mark.parametrize(
    ("build", "issued", "secure_boot", "refuses", "says"),
    [
        (9600, LATE, True, False, "by its vendor"),
        (14393, EARLY, True, False, "by its vendor"),
        (14393, LATE, True, True, "2015 or later"),
        (14393, LATE, False, False, "2015 or later"),
        (14393, LATE, None, False, "2015 or later"),
        (20348, LATE, True, True, "2015 or later"),
        (26100, EARLY, True, False, "24H2"),
    ],
)
def test_cross_signed(build: int, issued: datetime, secure_boot: bool | None, refuses: bool, says: str) -> None:
    policy = KernelPolicy(build=build, secure_boot=secure_boot)
    outlook = prospect(Status.VALID, detail(Root.CROSS, issued), policy)
    assert outlook.refuses is refuses
    assert says in outlook.reasons[0]
    assert prospect(Status.VALID, detail(Root.MICROSOFT, issued), policy).refuses is False


def test_how_sure_it_is() -> None:
    assert prospect(Status.HASH_MISMATCH, None, KernelPolicy()).confidence is Confidence.HIGH
    assert prospect(Status.EXPIRED, None, KernelPolicy()).confidence is Confidence.LOW
    assert prospect(Status.CHAIN_INCOMPLETE, None, KernelPolicy()).confidence is Confidence.MEDIUM
    assert prospect(Status.UNTRUSTED, None, KernelPolicy(testsigning=True)).confidence is Confidence.MEDIUM
