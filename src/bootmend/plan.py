"""From findings to an ordered list of edits, and what of it needs whose consent.

Order: hives are brought up to date first, then files, then settings. Two findings that want the
same edit get it once; two that want different content for one target keep the first and say so.
A disk whose state makes every answer unsure is refused here, before anything is worked out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from bootmend.actions.boot_store import CreateObject, StoreAction
from bootmend.actions.content import FileAction
from bootmend.actions.replay_hive import ReplayHive
from bootmend.actions.write_sectors import WriteSectors
from bootmend.errors import Refused
from bootmend.findings import Action, Finding, Safety, Severity, Skipped
from bootmend.texts import say
from bootmend.windows.desk import require_replayable
from bootmend.windows.image import locked_volumes
from bootmend.windows.installation import Windows

FIRST_WINDOWS = "first-windows"
"""The word for `--accept` that says: of several installations, it is the first one named."""


@dataclass(frozen=True, slots=True)
class Step:
    """One edit, and the findings that ask for it."""

    action: Action
    findings: tuple[Finding, ...]


@dataclass(slots=True)
class Plan:
    steps: list[Step] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)

    @property
    def actions(self) -> list[Action]:
        return [step.action for step in self.steps]

    @property
    def findings(self) -> list[Finding]:
        """The findings that this plan is to silence."""
        # By identity: to hash a finding is to hash all its edits, and one finding may have asked for 8,000 steps.
        return list({id(finding): finding for step in self.steps for finding in step.findings}.values())


def make_plan(windows: Windows, findings: Iterable[Finding], only: Collection[str], accept: Collection[str]) -> Plan:
    """Edits for causes and risks (notes ask for nothing), of the rules in `only` if it names any."""
    plan = Plan()
    asked: dict[str, tuple[Action, list[Finding]]] = {}
    for finding in findings:
        if finding.severity is Severity.NOTE or (only and finding.rule not in only):
            continue
        unasked = [one for one in finding.actions if one.safety is Safety.RISKY and one.risk not in accept]
        for action in unasked:
            plan.skipped.append(Skipped(name_of(action), say("plan.needs_consent", risk=action.risk)))
        # The rest of a finding's edits without the one that mends it would only be a half of something.
        for action in () if unasked else finding.actions:
            target = action.target.lower()
            known = asked.get(target)
            if known is None:
                asked[target] = (action, [finding])
            elif known[0] == action:
                known[1].append(finding)
            else:
                plan.skipped.append(Skipped(name_of(action), say("plan.conflict", rule=known[1][0].rule)))
    plan.steps = [Step(action, tuple(wanted_by)) for action, wanted_by in asked.values()]
    if plan.steps and windows.registry_fault is None and windows.system.replayed:
        plan.steps.append(Step(_replay(windows), ()))
    plan.steps.sort(key=lambda step: step.action.phase.value)
    return plan


def name_of(action: Action) -> str:
    """An edit in a line: what is done to which file."""
    return f"{action.kind} {action.target}"


def _replay(windows: Windows) -> ReplayHive:
    hive = windows.system
    return ReplayHive(volume=hive.volume, path=hive.path, logs=tuple(hive.logs))


def refuse_unsafe(windows: Windows, others: Sequence[Windows], accept: Collection[str]) -> None:
    """Raises Refused where nothing may be written to this machine as it stands."""
    if others and not windows.boots_by_default and FIRST_WINDOWS not in accept:
        places = ", ".join(one.where("").rstrip("\\") for one in (windows, *others))
        reason = say("plan.which_windows", places=places)
        raise Refused(reason, say("plan.which_windows_next", risk=FIRST_WINDOWS))
    state = windows.image.volume(windows.volume).state()
    if state.hibernated:
        raise Refused(say("plan.hibernated", volume=windows.volume), say("plan.hibernated_next"))
    if windows.registry_fault is None:
        require_replayable(windows.system, accept)


def refuse_locking(windows: Windows, plan: Plan) -> None:
    """Raises Refused for a change of the boot volume beside an encrypted one, whose key may be bound to it (a TPM).

    Changes on the volume of a Windows that is not encrypted itself concern no key.
    """
    locked = locked_volumes(windows.image)
    chain = windows.chain
    boots_from = chain.hive.volume if chain.hive is not None else chain.start.volume
    changed = {action.volume for action in plan.actions if isinstance(action, FileAction | ReplayHive)}
    changed |= {action.store.volume for action in plan.actions if isinstance(action, StoreAction | CreateObject)}
    # A table and a boot sector are measured too, whatever volume they belong to.
    sectors = any(isinstance(action, WriteSectors) for action in plan.actions)
    if locked and (sectors or (boots_from is not None and boots_from != windows.volume and boots_from in changed)):
        raise Refused(say("plan.locked", numbers=", ".join(map(str, locked))), say("windows.all_locked_next"))
