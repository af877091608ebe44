"""THE STORY: diagnose, plan, rehearse, commit, undo.

    diagnose    the disk as it is            -> Diagnosis    findings, prediction; nothing is written
    plan        findings                     -> Plan         ordered edits, and what cannot be done
    rehearse    plan, on a copy-on-write overlay, then every rule again -> Rehearsal
    commit      the overlay's patches        -> the disk, with a journal   (only what was rehearsed)
    undo        the journal                  -> the very same bytes as before

A fix is accepted when its rule falls silent and no other rule speaks up on the rehearsed disk.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bootmend.disk.device import BlockDevice, Metered
from bootmend.disk.overlay import Overlay
from bootmend.errors import BootmendError, InputError, Refused
from bootmend.findings import Finding, Prediction, Severity, Skipped
from bootmend.plan import Plan, Step, make_plan, name_of, refuse_locking, refuse_unsafe
from bootmend.rules import all_rules
from bootmend.texts import say
from bootmend.windows.discovery import find_windows
from bootmend.windows.donor import Given
from bootmend.windows.image import Image, locked_volumes
from bootmend.windows.installation import Windows
from bootmend.windows.prediction import predict

Progress = Callable[[str], None]


@dataclass(slots=True)
class Diagnosis:
    """What is wrong with a machine, as far as its disk tells."""

    image: Image
    windows: Windows
    others: list[Windows]
    """Further installations on the disk, which do not boot by default and are left alone."""
    findings: list[Finding]
    prediction: Prediction | None
    notes: list[str]
    bytes_read: int
    seconds: float

    @property
    def causes(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.severity is Severity.CAUSE]

    @property
    def healthy(self) -> bool:
        """Nothing that was looked at keeps this machine from booting."""
        return not self.causes


def diagnose(
    device: BlockDevice, given: Given, *, accept: frozenset[str] = frozenset(), progress: Progress = lambda _: None
) -> Diagnosis:
    """Runs every rule on the Windows that boots from this disk. Reads only; the caller closes `image`."""
    started = time.monotonic()
    metered = Metered(device)
    image = Image(metered, accept=accept)
    windows, *others = find_windows(image, given)
    notes = [*image.table.warnings, *windows.chain.notes]
    notes.extend(say("plan.other_windows", where=other.where("")) for other in others)
    if locked := locked_volumes(image):
        notes.append(say("plan.locked_beside", numbers=", ".join(map(str, locked))))
    if isinstance(windows.software, InputError):
        notes.append(say("windows.software_unread", reason=windows.software))
    if windows.system.replayed:
        applied = len(windows.system.recovery.applied)
        notes.append(say("plan.hive_replayed", hive=windows.system.where, entries=applied))
    elif windows.system.unreplayable:
        notes.append(say("plan.unreplayable", hive=windows.system.where, reason=windows.system.recovery.reason))
    findings: list[Finding] = []
    for rule in all_rules().values():
        progress(say("plan.checking", rule=rule.name))
        findings.extend(rule.check(windows))
    order = {Severity.CAUSE: 0, Severity.RISK: 1, Severity.NOTE: 2}
    findings.sort(key=lambda finding: order[finding.severity])
    prediction = predict(windows)
    if prediction is not None and prediction.image is not None:
        findings.sort(key=lambda finding: finding.subject != prediction.image)
        findings.sort(key=lambda finding: order[finding.severity])
    seconds = time.monotonic() - started
    return Diagnosis(image, windows, others, findings, prediction, notes, metered.bytes_read, seconds)


@dataclass(slots=True)
class Rehearsal:
    """The plan as it came out on an overlay; `overlay` holds what a commit would write."""

    overlay: Overlay
    left: list[Finding]
    """Findings that the plan was to silence and did not."""
    new: list[Finding]
    """Findings that only speak on the rehearsed disk."""
    changed_bytes: int
    after: Diagnosis
    notes: list[str]

    @property
    def silent(self) -> bool:
        return not self.left and not self.new


class StepFailed(Exception):
    """One step of a plan could not be made on the overlay; `reason` says why."""

    def __init__(self, step: Step, reason: BootmendError) -> None:
        self.step = step
        self.reason = reason
        super().__init__(str(reason))


def rehearse(
    device: BlockDevice,
    before: Diagnosis,
    plan: Plan,
    given: Given,
    accept: frozenset[str],
    progress: Progress = lambda _: None,
) -> Rehearsal:
    """Applies the plan to a copy-on-write overlay and runs every rule again there. The disk is not touched.

    Raises StepFailed at the first step that cannot be made.
    """
    overlay = Overlay(device)
    image = Image(overlay, accept=accept)
    for step in plan.steps:
        progress(say("plan.rehearsing", action=step.action.kind, target=step.action.target))
        try:
            step.action.apply(image)
        except (InputError, Refused) as error:
            overlay.close()
            raise StepFailed(step, error) from error
    image.close()
    after = diagnose(overlay, given, progress=progress)
    after.image.close()
    known = {finding.key for finding in before.findings}
    wanted = {finding.key for finding in plan.findings}
    left = [finding for finding in after.findings if finding.key in wanted]
    new = [finding for finding in after.findings if finding.key not in known]
    return Rehearsal(overlay, left, new, overlay.changed_bytes(), after, image.journal_notes)


@dataclass(slots=True)
class Proposal:
    """A diagnosis, the plan made from it and its rehearsal: everything a person needs to say yes or no."""

    diagnosis: Diagnosis
    plan: Plan
    rehearsal: Rehearsal | None
    """None where there is nothing to do."""
    dropped: list[Skipped] = field(default_factory=list)
    started: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def worth_doing(self) -> bool:
        return self.rehearsal is not None and self.rehearsal.silent

    @property
    def causes_left(self) -> list[Finding]:
        """Causes that are still there after this proposal, if it is carried out."""
        if self.rehearsal is not None and self.rehearsal.silent:
            return self.rehearsal.after.causes
        return self.diagnosis.causes


def propose(
    device: BlockDevice,
    given: Given,
    *,
    only: Collection[str] = (),
    accept: frozenset[str] = frozenset(),
    progress: Progress = lambda _: None,
) -> Proposal:
    """Diagnoses, plans and rehearses; drops from the plan what the rehearsal does not bear out.

    Raises Refused where this machine must not be written to at all.
    """
    diagnosis = diagnose(device, given, progress=progress)
    refuse_unsafe(diagnosis.windows, diagnosis.others, accept)
    wanted = diagnosis.findings
    dropped: list[Skipped] = []
    first_error: BootmendError | None = None
    while True:
        plan = make_plan(diagnosis.windows, wanted, only, accept)
        if not plan.steps:
            if first_error is not None:
                raise first_error
            return Proposal(diagnosis, plan, None, dropped)
        refuse_locking(diagnosis.windows, plan)
        try:
            rehearsal = rehearse(device, diagnosis, plan, given, accept, progress)
        except StepFailed as failure:
            if not failure.step.findings:
                raise failure.reason from failure
            # What cannot be made is left out, with what asked for it; the others still may be.
            first_error = first_error or failure.reason
            dropped.append(Skipped(name_of(failure.step.action), say("plan.left_out", reason=failure.reason)))
            failed = {finding.key for finding in failure.step.findings}
            wanted = [finding for finding in wanted if finding.key not in failed]
            continue
        if rehearsal.silent or rehearsal.new:
            return Proposal(diagnosis, plan, rehearsal, dropped)
        # Some findings did not fall silent: their edits are not worth making. The others still may be.
        failed = {finding.key for finding in rehearsal.left}
        dropped.extend(Skipped(finding.title, say("plan.not_silent")) for finding in rehearsal.left)
        wanted = [finding for finding in wanted if finding.key not in failed]


def donor_of(device: BlockDevice, given: Given) -> tuple[Image, Windows]:
    """Another machine's disk as a donor: its image and the Windows on it."""
    image = Image(device)
    try:
        return image, find_windows(image, given)[0]
    except BootmendError:
        image.close()
        raise
