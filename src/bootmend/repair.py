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
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bootmend.disk.device import BlockDevice, Metered
from bootmend.disk.overlay import Overlay
from bootmend.errors import BootmendError, InputError, Refused
from bootmend.findings import Finding, Phase, Prediction, Severity, Skipped, Station
from bootmend.plan import Plan, Step, make_plan, name_of, refuse_locking, refuse_unsafe
from bootmend.rules import all_rules
from bootmend.texts import say
from bootmend.windows.crash_witness import Crash, borne_out
from bootmend.windows.discovery import find_windows
from bootmend.windows.donor import Given
from bootmend.windows.image import Image, locked_volumes
from bootmend.windows.installation import Windows
from bootmend.windows.timeline import Timeline
from bootmend.windows.workbench import Workbench

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
    """Of the first cause on the way that the boot takes."""
    stops_at: Station | None
    """Where that cause bites; None where none was found."""
    asked: frozenset[str]
    """Names of the rules that could be asked."""
    replayed: tuple[int, ...]
    """Volumes whose unclean journal was replayed for this look, and is not replayed on the disk."""
    notes: list[str]
    timeline: Timeline
    """What the machine's logs say of its last starts."""
    crash: Crash | None
    """What the newest dump on its disk says; None where there is none."""
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
    image, windows, others, replayed, notes = _as_windows_will_see_it(metered, given, accept)
    notes.extend([*image.table.warnings, *windows.chain.notes])
    notes.extend(say("plan.other_windows", where=other.where("")) for other in others)
    if locked := locked_volumes(image):
        notes.append(say("plan.locked_beside", numbers=", ".join(map(str, locked))))
    if isinstance(windows.software, InputError):
        notes.append(say("windows.software_unread", reason=windows.software))
    findings: list[Finding] = []
    stations: dict[int, Station] = {}
    askable = [rule for rule in all_rules().values() if not rule.needs_registry or windows.registry_fault is None]
    for rule in askable:
        progress(say("plan.checking", rule=rule.name))
        for finding in rule.check(windows):
            findings.append(finding)
            stations[id(finding)] = finding.station or rule.station
    if windows.registry_fault is not None and not any(one.severity is Severity.CAUSE for one in findings):
        raise windows.registry_fault  # nothing was asked of it, so nothing can be called healthy
    if windows.registry_fault is not None:
        unasked = ", ".join(rule.name for rule in all_rules().values() if rule not in askable)
        notes.append(say("plan.registry_unasked", reason=windows.registry_fault, rules=unasked))
    elif windows.last_control_set not in ("", windows.control_set):
        sets = {"next": windows.control_set, "last": windows.last_control_set}
        notes.append(say("windows.other_set_next", hive=windows.system.where, **sets))
    if windows.registry_fault is None and windows.system.replayed:
        applied = len(windows.system.recovery.applied)
        notes.append(say("plan.hive_replayed", hive=windows.system.where, entries=applied))
    if windows.registry_fault is None and windows.system.unreplayable:
        notes.append(say("plan.unreplayable", hive=windows.system.where, reason=windows.system.recovery.reason))
    notes.extend(say("timeline.unread", reason=reason) for reason in windows.timeline.unread)
    severities = list(Severity)
    findings.sort(key=lambda one: (severities.index(one.severity), stations[id(one)], one.rank))
    causes = [finding for finding in findings if finding.severity is Severity.CAUSE]
    prediction = next((finding.prediction for finding in causes if finding.prediction is not None), None)
    return Diagnosis(
        image=image,
        windows=windows,
        others=others,
        findings=findings,
        prediction=borne_out(prediction, windows.crash),
        stops_at=stations[id(causes[0])] if causes else None,
        asked=frozenset(rule.name for rule in askable),
        replayed=replayed,
        notes=notes,
        timeline=windows.timeline,
        crash=windows.crash,
        bytes_read=metered.bytes_read,
        seconds=time.monotonic() - started,
    )


def _as_windows_will_see_it(
    device: BlockDevice, given: Given, accept: frozenset[str]
) -> tuple[Image, Windows, list[Windows], tuple[int, ...], list[str]]:
    """The image, its installations, volumes whose unclean journal was replayed for this look, and notes.

    Windows replays a journal before it reads a single file. What is replayed lies on a layer of its own.
    """
    image = Image(device, accept=accept)
    windows, *others = find_windows(image, given)
    waiting = [number for number in _volumes_of(windows) if image.volume(number).state().journal == "unclean"]
    layered = Image(Overlay(device), accept=accept) if waiting else image
    replayed, notes = [], []
    for number in waiting:
        try:
            layered.settle(number, to_write=False)
            replayed.append(number)
        except (Refused, InputError) as reason:
            notes.append(say("plan.journal_unseen", volume=number, reason=reason))
    if not replayed:
        if layered is not image:
            layered.close()
        return image, windows, others, (), notes
    image.close()
    windows, *others = find_windows(layered, given)
    notes.extend(say("plan.journal_seen", volume=number) for number in replayed)
    return layered, windows, others, tuple(replayed), notes


def _volumes_of(windows: Windows) -> list[int]:
    """The volume of the Windows folder, and the one with its boot store."""
    boots_from = windows.chain.hive.volume if windows.chain.hive is not None else windows.volume
    return list(dict.fromkeys((windows.volume, boots_from)))


@dataclass(slots=True)
class Rehearsal:
    """The plan as it came out on an overlay; `overlay` holds what a commit would write."""

    overlay: Overlay
    left: list[Finding]
    """Findings that the plan was to silence and did not."""
    new: list[Finding]
    """Causes and risks that only speak on the rehearsed disk."""
    revealed: list[Finding]
    """Findings that were there all along, but could not be asked for: the SYSTEM hive was not to be read."""
    changed_bytes: int
    after: Diagnosis
    notes: list[str]

    @property
    def silent(self) -> bool:
        return not self.left and not self.new


class StepFailed(Exception):
    """Some steps of a plan (one, or all edits of settings) could not be made on the overlay; `reason` says why."""

    def __init__(self, steps: Sequence[Step], reason: BootmendError) -> None:
        self.steps = steps
        self.reason = reason
        super().__init__(str(reason))

    @property
    def findings(self) -> list[Finding]:
        return [finding for step in self.steps for finding in step.findings]


def rehearse(
    device: BlockDevice,
    before: Diagnosis,
    plan: Plan,
    given: Given,
    accept: frozenset[str],
    progress: Progress = lambda _: None,
    settle: Collection[int] = (),
) -> Rehearsal:
    """Applies the plan to a copy-on-write overlay and runs every rule again there. The disk is not touched.

    `settle`: volumes whose journal is replayed first, whether or not a step would need it. Raises StepFailed at
    the first step that cannot be made.
    """
    overlay = Overlay(device)
    image = Image(overlay, accept=accept)
    bench = Workbench(image, accept)
    failing: Sequence[Step] = ()
    try:
        for volume in settle:
            image.settle(volume)
        for step in plan.steps:
            progress(say("plan.rehearsing", action=step.action.kind, target=step.action.target))
            failing = (step,)
            step.action.apply(bench)
        failing = [step for step in plan.steps if step.action.phase is Phase.SETTINGS]
        bench.save()
    except (InputError, Refused) as error:
        overlay.close()
        raise StepFailed(failing, error) from error
    image.close()
    after = diagnose(overlay, given, progress=progress)
    after.image.close()
    known = {finding.key for finding in before.findings}
    wanted = {finding.key for finding in plan.findings}
    left = [finding for finding in after.findings if finding.key in wanted]
    spoken = [finding for finding in after.findings if finding.key not in known | wanted]
    # A rule that could not be asked before says nothing about the plan; nor does a note.
    new = [one for one in spoken if one.rule in before.asked and one.severity is not Severity.NOTE]
    revealed = [one for one in spoken if one.rule not in before.asked]
    return Rehearsal(overlay, left, new, revealed, overlay.changed_bytes(), after, image.journal_notes)


@dataclass(slots=True)
class Proposal:
    """A diagnosis, the plan made from it and its rehearsal: everything a person needs to say yes or no."""

    diagnosis: Diagnosis
    plan: Plan
    rehearsal: Rehearsal | None
    """None where there is nothing to do."""
    dropped: list[Skipped] = field(default_factory=list)
    accepted: frozenset[str] = frozenset()
    """Risks that the user has accepted."""
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
    settle: tuple[int, ...] = ()
    tried: set[tuple[str, str]] = set()
    sound: Proposal | None = None
    """What is proposed if nothing more can be made of it: the last plan that came out well."""
    while True:
        plan = make_plan(diagnosis.windows, wanted, only, accept)
        if not plan.steps:
            if first_error is not None:
                raise first_error
            return Proposal(diagnosis, plan, None, dropped, accept)
        try:
            refuse_locking(diagnosis.windows, plan)
            rehearsal = rehearse(device, diagnosis, plan, given, accept, progress, settle)
        except Refused:
            if sound is None:
                raise
            return sound
        except StepFailed as failure:
            if settle != diagnosis.replayed:
                settle = diagnosis.replayed  # a file that stands in the journal only is there after its replay
                continue
            if sound is not None:
                return sound
            if not failure.findings:
                raise failure.reason from failure
            # What cannot be made is left out, with what asked for it; the others still may be.
            first_error = first_error or failure.reason
            reason = say("plan.left_out", reason=failure.reason)
            dropped.extend(Skipped(name_of(step.action), reason) for step in failure.steps)
            failed = {finding.key for finding in failure.findings}
            wanted = [finding for finding in wanted if finding.key not in failed]
            continue
        more = [one for one in _further(rehearsal, wanted, only) if one.key not in tried]
        if more and not rehearsal.left:
            tried |= {one.key for one in more}
            sound = Proposal(diagnosis, plan, rehearsal, dropped, accept) if rehearsal.silent else sound
            wanted = [*(one for one in wanted if one.key not in tried), *more]
            continue
        if sound is not None and not rehearsal.silent:
            return sound
        if rehearsal.silent or rehearsal.new:
            return Proposal(diagnosis, plan, rehearsal, dropped, accept)
        # Some findings did not fall silent: their edits are not worth making. The others still may be.
        failed = {finding.key for finding in rehearsal.left}
        dropped.extend(Skipped(finding.title, say("plan.not_silent")) for finding in rehearsal.left)
        wanted = [finding for finding in wanted if finding.key not in failed]


def _further(rehearsal: Rehearsal, wanted: Collection[Finding], only: Collection[str]) -> list[Finding]:
    """What can be mended only now that the plan was carried out: the next round takes it in.

    A rule could not be asked before, an image that is back names a library that is not, or a setting may be put
    back now that the file it is to name is there.
    """
    offered = {finding.key for finding in wanted if finding.actions}
    return [
        one
        for one in rehearsal.after.findings
        if one.actions
        and one.severity is not Severity.NOTE
        and one.key not in offered
        and (not only or one.rule in only)
    ]


def donor_of(device: BlockDevice, given: Given) -> tuple[Image, Windows]:
    """Another machine's disk as a donor: its image and the Windows on it."""
    image = Image(device)
    try:
        return image, find_windows(image, given)[0]
    except BootmendError:
        image.close()
        raise
