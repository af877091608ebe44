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
record, or the tags on what was made. Another computer's run of the same machine: rivals.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from bootmend.clouds.cloud import Cloud, Machine, Power, Thing
from bootmend.clouds.mending import Outcome, Way
from bootmend.clouds.naming import BACKUP, marks_of, name_of, tags_of
from bootmend.clouds.rivals import rivals, rivals_of
from bootmend.clouds.run import Run, Stage, Store, now
from bootmend.clouds.watch import Patience, Verdict, Watched, before_start, watch
from bootmend.clouds.way_back import clear_looks, go_back, half_way, save_if_possible, strange_disk
from bootmend.errors import HalfWay, Refused, Unreachable
from bootmend.repair import Progress
from bootmend.texts import say

_USED = timedelta(minutes=10)


@dataclass(slots=True)
class Flow:
    """One run on its way. `tell` hears what is being done."""

    cloud: Cloud
    store: Store
    run: Run
    way: Way
    patience: Patience
    tell: Progress = lambda _: None
    agreed: bool = True
    """The repaired disk may be put in place. Where not, `go` returns once it is there, to be called again."""
    _resumed: bool = field(default=False, init=False)
    """It was started by an earlier call, and was perhaps used since."""

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
        self._resumed = "start" in self.run.steps
        for name, step in steps:
            if self.run.stage is not Stage.OPEN:
                break
            if name == "swap" and not self.agreed:
                return self.run
            if name not in self.run.steps:
                self._take_step(name, step)
        if self.run.stage is Stage.OPEN:
            self.run.stage = Stage.DONE
            self.store.save(self.run)
        if self.run.stage is Stage.GOING_BACK:
            go_back(self.cloud, self.store, self.run, self.tell)
        return self.run

    @property
    def waits(self) -> bool:
        """For somebody to agree."""
        return not self.agreed and self.run.stage is Stage.OPEN and "check" in self.run.steps

    def decline(self) -> None:
        """The repaired disk is not put in place: everything goes back."""
        self._turn_back(say("clouds.not_agreed"))
        go_back(self.cloud, self.store, self.run, self.tell)

    def _take_step(self, name: str, step: Callable[[], None]) -> None:
        """Before the machine was started anew, an error takes everything back; one that may pass waits for --resume."""
        try:
            step()
            self.run.steps[name] = now()
            self.store.save(self.run)
        except Exception as error:
            if isinstance(error, Unreachable) and error.passing:
                raise
            if name in ("start", "watch"):
                if isinstance(error, Refused):
                    raise half_way(self.cloud, self.run, "clouds.stuck", error) from error
                raise
            self._take_back(error)
            raise

    def _take_back(self, error: Exception) -> None:
        self._turn_back(str(error))
        try:
            go_back(self.cloud, self.store, self.run, self.tell)
        except HalfWay as end:
            raise HalfWay(f"{error} {end}") from error

    def _stop(self) -> None:
        # Before it is stopped: another computer may have repaired it while somebody was asked here.
        machine = self.cloud.find(self.run.machine)
        self._refuse_rivals(machine)
        if machine.disk.lower() != self.run.old_disk.lower():
            raise strange_disk(self.run, machine.disk)
        self.tell(say("clouds.stopping", name=self.run.name))
        self.cloud.stop(self.run.machine)

    def _backup(self) -> None:
        self.tell(say("clouds.backing_up", name=self.run.name))
        if not self.run.moved:
            # On record before the snapshot is there: what is written to the disk after this is on neither copy.
            machine, disk = self.cloud.find(self.run.machine).changed, self.cloud.disk_moved(self.run.old_disk)
            self.run.moved = {"machine": machine, "disk": disk}
            self.store.save(self.run)
        tags = tags_of(self.run.machine, self.run.id, BACKUP, self.run.old_disk)
        tags |= marks_of(self.run.was_running, self.run.options)
        name = name_of(self.run.name, self.run.id, BACKUP)
        self.run.backup = self.cloud.snapshot(self.run.old_disk, name, tags)
        self._refuse_rivals(self.cloud.find(self.run.machine))

    def _refuse_rivals(self, machine: Machine) -> None:
        if others := {thing.run for thing in rivals_of(self.cloud, self.store, self.run, machine)}:
            raise Refused(
                say("clouds.elsewhere", name=self.run.name, run=", ".join(sorted(others))), say("clouds.elsewhere_next")
            )

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
        machine = self.cloud.find(self.run.machine)
        self._refuse_rivals(machine)
        there = machine.disk
        if there.lower() not in (self.run.old_disk.lower(), self.run.new_disk.lower()):
            raise strange_disk(self.run, there)
        if there.lower() == self.run.old_disk.lower():
            self._refuse_older_copy(machine)
        self.cloud.close_access(self.run.old_disk)
        self.cloud.close_access(self.run.new_disk)
        self.cloud.swap(self.run.machine, self.run.new_disk)

    def _refuse_older_copy(self, machine: Machine) -> None:
        """Refused where it was started since the copy was made, as both marks tell: each alone may mean less."""
        was = self.run.moved.get("machine", ""), self.run.moved.get("disk", "")
        if not all(was) or machine.changed in ("", was[0]):
            return
        if self.cloud.disk_moved(self.run.old_disk) not in ("", was[1]):
            raise Refused(say("clouds.ran_since", name=self.run.name), say("clouds.ran_since_next"))

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
        if self._resumed and self.cloud.find(self.run.machine).power in (Power.OFF, Power.HALTED):
            # Switched off since, by somebody or something that does so every night.
            self.run.before_start = {}
            self._start()
        seen = watch(self.cloud, self.run.machine, self.run.before_start, self.patience, self.tell)
        self._judge(seen)

    def _judge(self, seen: Watched) -> None:
        """Back only where the repair is at fault and nothing can have been written to its disk that matters."""
        self.run.verdict, self.run.reason = seen.verdict.value, seen.reason
        if seen.off:
            self.run.verdict, self.run.reason = Verdict.UNCLEAR.value, say("clouds.switched_off")
        elif seen.verdict is Verdict.FAILED and self._was_in_use:
            self.run.reason = say("clouds.in_use_since", reason=seen.reason)
        elif seen.verdict is Verdict.FAILED:
            self._turn_back(seen.reason)

    @property
    def _was_in_use(self) -> bool:
        """It was started longer ago than a start takes, and not watched since."""
        if not self._resumed:
            return False
        ago = datetime.now(UTC) - datetime.fromisoformat(self.run.steps["start"])
        return ago > _USED + timedelta(seconds=self.patience.most)

    def _turn_back(self, reason: str) -> None:
        self.run.stage, self.run.reason = Stage.GOING_BACK, reason
        save_if_possible(self.store, self.run, self.tell)


def begin(cloud: Cloud, store: Store, machine: Machine, how: str, options: dict[str, Any]) -> Run:
    """A new run, on record before anything is done. Refused while an earlier one of this machine stands."""
    clear_looks(cloud, store, machine.id)
    refuse_unfinished(cloud, store, machine)
    run = Run.of(cloud.kind, machine, how, options)
    store.save(run)
    return run


def refuse_unfinished(cloud: Cloud, store: Store, machine: Machine, made: Sequence[Thing] | None = None) -> None:
    """Refused while an earlier run of this machine is unfinished or not confirmed, wherever it was begun.

    `made` is what runs have made for it, where that was looked up just now.
    """
    for earlier in store.of_machine(cloud.kind, machine.id):
        if earlier.unfinished and not earlier.looks:
            raise Refused(say("clouds.unfinished", name=machine.name, run=earlier.id), say("clouds.unfinished_next"))
        if earlier.stage is Stage.DONE and earlier.new_disk.lower() == machine.disk.lower():
            raise Refused(say("clouds.unconfirmed", name=machine.name, run=earlier.id), say("clouds.unconfirmed_next"))
    made = cloud.things(machine) if made is None else made
    if strange := {thing.run for thing in rivals(store, cloud.kind, machine, made)}:
        raise Refused(
            say("clouds.elsewhere", name=machine.name, run=", ".join(sorted(strange))), say("clouds.elsewhere_next")
        )
