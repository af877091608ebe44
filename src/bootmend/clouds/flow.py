"""THE FLOW: from a machine that does not boot to one that does, or back to where it was.

    stop       nothing runs from the disk                        the old disk stays as it is, always
    backup     a snapshot of the old disk
    mend       a new disk: the old one with the repair over it   (a Way: here, or on a helper)
    check      the new disk, read again and diagnosed
    swap       the machine boots from the new disk
    start
    watch      does it come up?   no -> go back: stop, swap the old disk in, start

Each step looks before it acts, so it may be done again. A step counts as behind us only once its
mark is durable; after a crash the first unmarked step is done again. What a crash leaves open is
closed by the step that finds it: `mend` throws a half-filled disk away, access that was granted is
taken back. The old disk and the snapshot stay until `confirm`; `go_back` needs nothing but the
record, or the tags on what was made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bootmend.clouds.cloud import Cloud, Machine, Thing
from bootmend.clouds.mending import Outcome, Way
from bootmend.clouds.naming import BACKUP, LOOK, name_of, tags_of
from bootmend.clouds.run import Run, Stage, Store, now
from bootmend.clouds.watch import Patience, Verdict, Watched, before_start, watch
from bootmend.errors import BootmendError, CloudAway, Refused
from bootmend.repair import Progress
from bootmend.texts import say


@dataclass(slots=True)
class Flow:
    """One run on its way. `tell` hears what is being done."""

    cloud: Cloud
    store: Store
    run: Run
    way: Way
    patience: Patience
    tell: Progress = lambda _: None

    def go(self) -> Run:
        """Every step that is not behind us yet; returns with the run done or back."""
        if self.run.stage is Stage.GOING_BACK:
            go_back(self.cloud, self.store, self.run, self.tell)
            return self.run
        steps: list[tuple[str, Callable[[], None]]] = [
            ("stop", self._stop),
            ("backup", self._backup),
            ("mend", self._mend),
            ("check", self._check),
            ("swap", self._swap),
            ("start", self._start),
            ("watch", self._watch),
        ]
        for name, step in steps:
            if self.run.stage is not Stage.OPEN:
                break
            if name not in self.run.steps:
                self._take_step(name, step)
        if self.run.stage is Stage.OPEN:
            self.run.stage = Stage.DONE
            self.store.save(self.run)
        if self.run.stage is Stage.GOING_BACK:
            go_back(self.cloud, self.store, self.run, self.tell)
        return self.run

    def _take_step(self, name: str, step: Callable[[], None]) -> None:
        """Before the machine was started anew, an error takes everything back; one that may pass waits for --resume."""
        try:
            step()
        except CloudAway:
            raise
        except BootmendError as error:
            if name not in ("start", "watch"):
                self._turn_back(str(error))
                go_back(self.cloud, self.store, self.run, self.tell)
            raise
        self.run.steps[name] = now()
        self.store.save(self.run)

    def _stop(self) -> None:
        self.tell(say("clouds.stopping", name=self.run.name))
        self.cloud.stop(self.run.machine)

    def _backup(self) -> None:
        self.tell(say("clouds.backing_up", name=self.run.name))
        tags = tags_of(self.run.machine, self.run.id, BACKUP, self.run.old_disk)
        name = name_of(self.run.name, self.run.id, BACKUP)
        self.run.backup = self.cloud.snapshot(self.run.old_disk, name, tags)

    def _mend(self) -> None:
        mended = self.way.mend(self.run, self.tell)
        self.store.save_result(self.run, mended.document)
        self.run.outcome = mended.outcome.value
        self.run.new_disk = mended.disk
        if mended.outcome is not Outcome.REPAIRED:
            self._turn_back(say(f"clouds.outcome_{mended.outcome.value}"))

    def _check(self) -> None:
        """What is left on the new disk must have been there before."""
        self.tell(say("clouds.checking"))
        known = {(one["rule"], one["subject"].lower()) for one in self._findings()}
        if new := sorted(set(self.way.check(self.run, self.tell)) - known):
            self._turn_back(say("clouds.check_failed", what=", ".join(f"{rule} ({subject})" for rule, subject in new)))

    def _findings(self) -> list[dict[str, str]]:
        """Causes and risks of the first diagnosis; one that is left is no surprise."""
        findings: list[dict[str, str]] = (self.store.result(self.run) or {}).get("findings", [])
        return findings

    def _swap(self) -> None:
        self.tell(say("clouds.swapping", name=self.run.name))
        there = self.cloud.find(self.run.machine).disk
        if there.lower() not in (self.run.old_disk.lower(), self.run.new_disk.lower()):
            raise _strange_disk(self.run, there)
        self.cloud.close_access(self.run.old_disk)
        self.cloud.close_access(self.run.new_disk)
        self.cloud.swap(self.run.machine, self.run.new_disk)

    def _start(self) -> None:
        if not self.run.options.get("start", True):
            return
        if not self.run.before_start:
            self.run.before_start = before_start(self.cloud.look(self.run.machine))
            self.store.save(self.run)
        self.tell(say("clouds.starting", name=self.run.name))
        self.cloud.start(self.run.machine)

    def _watch(self) -> None:
        if not self.run.options.get("start", True):
            self.run.verdict, self.run.reason = Verdict.UNCLEAR.value, say("clouds.not_started")
            return
        seen = watch(self.cloud, self.run.machine, self.run.before_start, self.patience, self.tell)
        self._judge(seen)

    def _judge(self, seen: Watched) -> None:
        self.run.verdict, self.run.reason = seen.verdict.value, seen.reason
        if seen.verdict is Verdict.FAILED:
            self._turn_back(seen.reason)

    def _turn_back(self, reason: str) -> None:
        self.run.stage, self.run.reason = Stage.GOING_BACK, reason
        self.store.save(self.run)


def begin(cloud: Cloud, store: Store, machine: Machine, how: str, options: dict[str, Any]) -> Run:
    """A new run, on record before anything is done. Refused while an earlier one of this machine stands."""
    refuse_unfinished(cloud, store, machine)
    run = Run.of(cloud.kind, machine, how, options)
    store.save(run)
    return run


def refuse_unfinished(cloud: Cloud, store: Store, machine: Machine, made: Sequence[Thing] | None = None) -> None:
    """Refused while an earlier run of this machine is unfinished or not confirmed, wherever it was begun.

    `made` is what runs have made for it, where that was looked up just now.
    """
    for earlier in store.of_machine(cloud.kind, machine.id):
        if earlier.unfinished and earlier.how == LOOK:  # a snapshot that a crash left behind, and nothing else
            clear_up(cloud, earlier, lambda _: None)
            earlier.stage = Stage.BACK
            store.save(earlier)
        if earlier.unfinished:
            raise Refused(say("clouds.unfinished", name=machine.name, run=earlier.id), say("clouds.unfinished_next"))
        if earlier.stage is Stage.DONE and earlier.new_disk.lower() == machine.disk.lower():
            raise Refused(say("clouds.unconfirmed", name=machine.name, run=earlier.id), say("clouds.unconfirmed_next"))
    known = {run.id for run in store.of_machine(cloud.kind, machine.id)}
    # The disk of a run that was confirmed keeps its tags; nothing else of such a run is left.
    made = cloud.things(machine) if made is None else made
    strange = {thing.run for thing in made if thing.id.lower() != machine.disk.lower()} - known
    if strange:
        raise Refused(
            say("clouds.elsewhere", name=machine.name, run=", ".join(sorted(strange))), say("clouds.elsewhere_next")
        )


def _strange_disk(run: Run, disk: str) -> Refused:
    return Refused(say("clouds.strange_disk", name=run.name, disk=disk), say("clouds.strange_disk_next"))


def go_back(cloud: Cloud, store: Store, run: Run, tell: Progress = lambda _: None) -> None:
    """The machine gets its old disk and its old power; what the run made goes. May be done again after a crash."""
    machine = cloud.find(run.machine)
    if machine.disk.lower() != run.old_disk.lower() and not cloud.has_disk(run.old_disk):
        # Before anything is stopped: a confirm, here or elsewhere, or somebody clearing up, has removed it.
        raise Refused(
            say("clouds.old_disk_gone", name=run.name, disk=run.old_disk),
            say("clouds.old_disk_gone_next", backup=run.backup or "-"),
        )
    if run.stage is not Stage.GOING_BACK:
        run.stage = Stage.GOING_BACK
        store.save(run)
    # Somebody may be reading the old disk meanwhile; one that is linked is put into no machine.
    cloud.close_access(run.old_disk)
    if machine.disk.lower() != run.old_disk.lower():
        ours = {thing.id.lower() for thing in cloud.things(machine) if thing.run == run.id} | {run.new_disk.lower()}
        if machine.disk.lower() not in ours:
            raise _strange_disk(run, machine.disk)
        tell(say("clouds.swapping_back", name=run.name))
        cloud.stop(run.machine)
        cloud.swap(run.machine, run.old_disk)
    if run.was_running:
        tell(say("clouds.starting", name=run.name))
        cloud.start(run.machine)
    clear_up(cloud, run, tell)
    run.stage = Stage.BACK
    store.save(run)


def confirm(cloud: Cloud, store: Store, run: Run, tell: Progress = lambda _: None) -> None:
    """The machine stays as it is: its old disk and the snapshot go. Refused while it boots from another disk."""
    machine = cloud.find(run.machine)
    if machine.disk.lower() != run.new_disk.lower():
        raise Refused(say("clouds.not_on_new_disk", name=run.name, disk=machine.disk), say("clouds.not_on_new_next"))
    cloud.remove(run.old_disk)
    clear_up(cloud, run, tell, keep=run.new_disk)
    run.stage = Stage.CONFIRMED
    store.save(run)


def clear_up(cloud: Cloud, run: Run, tell: Progress, keep: str = "") -> None:
    """Removes what this run made, by the tags on it: so also what a crash kept out of the record."""
    # Machines last: a helper to which disks are attached, perhaps somebody else's, is not removed.
    for thing in sorted(cloud.things(cloud.find(run.machine)), key=lambda one: one.kind == "machine"):
        if thing.run == run.id and thing.id.lower() != keep.lower():
            tell(say("clouds.removing", kind=thing.kind, id=thing.id))
            cloud.close_access(thing.id)
            cloud.remove(thing.id)
