"""Under which rules the kernel of one machine loads drivers, as far as its disk tells.

testsigning and nointegritychecks come from the BCD, the build from SOFTWARE. Whether Secure Boot is on stands in
firmware: None means unknown. Nothing here changes what a signature is worth, only what Windows would do about it.

Source: Microsoft, "Driver signing policy": since Windows 10 1607 with Secure Boot on, a cross-signed driver loads only
if its certificate was issued before July 29th 2015.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from bootmend.findings import Confidence
from bootmend.signing.verdict import Root, SignatureDetail, Status
from bootmend.texts import say

_WINDOWS_10_1607 = 14393
_WINDOWS_11_24H2 = 26100
_CROSS_SIGNING_ENDS = datetime(2015, 7, 29, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class KernelPolicy:
    """`build` 0 and `machine` 0 mean unknown; `machine` is a PE machine number the images must have."""

    build: int = 0
    testsigning: bool = False
    nointegritychecks: bool = False
    secure_boot: bool | None = None
    machine: int = 0


@dataclass(frozen=True, slots=True)
class Prospect:
    """Whether the kernel would refuse a file, how sure that is, and why."""

    refuses: bool
    confidence: Confidence
    reasons: tuple[str, ...] = ()


def prospect(status: Status, best: SignatureDetail | None, policy: KernelPolicy) -> Prospect:
    """What the kernel would do with a file whose best signature is `best` (None: none at all)."""
    if status is Status.VALID:
        return _cross_signed(best, policy) if best and best.root is Root.CROSS else Prospect(False, Confidence.HIGH)
    if status is Status.MISSING or status is Status.NOT_A_DRIVER:
        return Prospect(True, Confidence.HIGH)
    pardon = _pardon(status, policy)
    if pardon:
        if policy.secure_boot:
            return Prospect(True, Confidence.HIGH, (say("signing.secure_boot_drops", option=pardon),))
        sure = Confidence.MEDIUM if policy.secure_boot is None else Confidence.HIGH
        return Prospect(False, sure, (say("signing.option_pardons", option=pardon),))
    if status is Status.EXPIRED:
        return Prospect(True, Confidence.LOW, (say("signing.expiry_unsure"),))
    return Prospect(True, Confidence.MEDIUM if status is Status.CHAIN_INCOMPLETE else Confidence.HIGH)


def _pardon(status: Status, policy: KernelPolicy) -> str:
    """The boot option that lets a file of this status load; empty where none does."""
    if policy.nointegritychecks:
        return "nointegritychecks"
    good_hash = (Status.UNTRUSTED, Status.CHAIN_INCOMPLETE, Status.EXPIRED)
    return "testsigning" if policy.testsigning and status in good_hash else ""


def _cross_signed(best: SignatureDetail, policy: KernelPolicy) -> Prospect:
    if policy.build >= _WINDOWS_11_24H2:
        return Prospect(False, Confidence.LOW, (say("signing.cross_signed_ends"),))
    if policy.build >= _WINDOWS_10_1607 and best.issued and best.issued >= _CROSS_SIGNING_ENDS:
        if policy.secure_boot:
            return Prospect(True, Confidence.MEDIUM, (say("signing.cross_signed_late"),))
        return Prospect(False, Confidence.LOW, (say("signing.cross_signed_late"),))
    return Prospect(False, Confidence.MEDIUM, (say("signing.cross_signed"),))
