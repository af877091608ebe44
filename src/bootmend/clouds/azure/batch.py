"""Many runs share one helper a region and zone: those that come to be mended at about the same time go in one batch.

    of each run     its copy is made, in its own thread; then it waits for its batch
    of each batch   a parcel is filled │ attach, one command, detach: one batch at a time │ results read, parcel gone

While one batch is on the helper the next one's parcel is filled. Attaching, running and detaching are changes of the
helper, of which Azure allows four a minute; so what counts is how many disks go into one. The program is brought by the
first parcel and stays on the helper. The helper carries the tag of the job and is none of its runs' own; the last run
of the job that ends takes it along (helper_choice.py).

Each disk is repaired by a process of its own there, with its own end of patience. If a batch as a whole gives nothing
back, its disks are copied anew and tried one by one: whoever brought the helper down is then alone.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from bootmend.clouds.azure.batch_script import NO_PROGRAM, batch_script
from bootmend.clouds.azure.helper import Helper, Program, made_for, no_results
from bootmend.clouds.azure.helper_choice import helpers_in_use, opened, place_of
from bootmend.clouds.azure.helper_machine import HelperMachine
from bootmend.clouds.azure.parcel import read_header, read_results
from bootmend.clouds.mending import Cause, Mended
from bootmend.clouds.naming import JOB, PARCEL, REPAIRED
from bootmend.clouds.portable import portable
from bootmend.clouds.run import Run
from bootmend.errors import BootmendError, InputError, Refused
from bootmend.repair import Progress
from bootmend.texts import say

_SECONDS = 5000
"""The most that a command may take; Azure ends extensions after 5,400."""
_SECONDS_EACH = 900
"""The most that a disk of a batch may take: an endless one holds up those beside it for so long."""
_MOST_COMMANDS = 20
"""Each is left where it is, because taking it away is a change of the helper too; a machine bears some of them only."""
_ENOUGH = 3
"""So many refusals in a row are taken for one that holds for all."""
_LINGER = 20.0
"""Seconds that a batch that is not full waits for more runs while more are on their way."""

Ends = list[Mended | BootmendError]


@dataclass(slots=True)
class _Waiting:
    run: Run
    answer: Future[Mended] = field(default_factory=Future)
    taken: bool = False
    """It goes along with a batch."""


@dataclass(slots=True)
class _Desk:
    """Where the runs of one region and zone wait."""

    coming: set[str] = field(default_factory=set)
    """Ids of runs that are not here yet and may still come."""
    waiting: list[_Waiting] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)
    turns: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(2))
    """One batch on the helper, one that gets ready."""
    opening: threading.Lock = field(default_factory=threading.Lock)
    on_helper: threading.Lock = field(default_factory=threading.Lock)
    machine: HelperMachine | None = None
    luns: list[int] = field(default_factory=list)
    commands: int = 0
    """How many batches were on the helper."""
    brought: str = ""
    """Digest of the program that is on the helper."""


class Batches:
    """A way for the flows of many threads. `places` tells which runs may share a helper: region and zone by run id."""

    def __init__(self, helper: Helper, job: str, places: Mapping[str, str]) -> None:
        self.helper = helper
        self._job = job
        self._places = places
        self._program: Program | None = None
        self._packing = threading.Lock()
        self._desks: dict[str, _Desk] = {}
        for run, place in places.items():
            self._desks.setdefault(place, _Desk()).coming.add(run)

    def mend(self, run: Run, tell: Progress) -> Mended:
        self.helper.prepare(run, tell)
        mine = _Waiting(run)
        desk = self._desks[self._places[run.id]]
        with desk.changed:
            desk.waiting.append(mine)
        self.leave(run)
        while not mine.taken:
            # Whoever gets the turn takes as many along as the helper holds, perhaps without being one of them.
            with desk.turns:
                if not mine.taken:
                    self._work(desk, run, tell)
        return mine.answer.result()

    def check(self, run: Run, tell: Progress) -> list[Cause]:
        return self.helper.check(run, tell)

    def leave(self, run: Run) -> None:
        """This run is not waited for any more: it is here, or will never come."""
        desk = self._desks[self._places[run.id]]
        with desk.changed:
            desk.coming.discard(run.id)
            desk.changed.notify_all()

    def clear(self, runs: Sequence[Run], tell: Progress) -> None:
        """Takes off the helpers what a crash left of these runs on them, once whatever works on it has ended.

        Before any of them goes on: two cannot change a helper's disks at a time.
        """
        for place in self._desks:
            here = [run for run in runs if self._places[run.id] == place and "mend" not in run.steps]
            if not any("backup" in run.steps for run in here):
                continue
            disks = [str(made_for(run, role)) for run in here for role in (REPAIRED, PARCEL)]
            where = place_of(here[0], self.helper.wanted, place)
            # One that was begun alone has left a helper of its own; that one is not needed any more.
            owners = [self._job, *(run.id for run in here)]
            for owner, machine in helpers_in_use(self.helper.cloud, where, self.helper.wanted, owners):
                tell(say("azure.helper_settles", name=machine.id.name))
                machine.settle()
                machine.detach_if_there(disks)
                if owner != self._job and not machine.stays:
                    machine.remove()

    def _work(self, desk: _Desk, run: Run, tell: Progress) -> None:
        """One batch; each run in it gets its answer, whatever happens."""
        batch: list[_Waiting] = []
        try:
            machine = self._opened(desk, run, tell)
            batch = self._gathered(desk, len(desk.luns) - 1)
            # None where another batch took all along meanwhile.
            ends = self._carried(desk, machine, [one.run for one in batch], tell) if batch else []
        except BaseException as error:
            for one in batch or self._gathered(desk, 0):
                one.answer.set_exception(error)
            if not isinstance(error, BootmendError):
                raise
            return
        for one, end in zip(batch, ends, strict=True):
            if isinstance(end, BootmendError):
                one.answer.set_exception(end)
            else:
                one.answer.set_result(end)

    def _opened(self, desk: _Desk, run: Run, tell: Progress) -> HelperMachine:
        """The helper is there, and it is known which of its LUNs are free. Refused where there are none."""
        with desk.opening:
            if desk.machine is None:
                tell(say("azure.helper_ready"))
                cloud, wanted = self.helper.cloud, self.helper.wanted
                place = place_of(run, wanted, self._places[run.id])
                machine, taken = opened(cloud, place, wanted, self._job, {JOB: self._job})
                desk.luns = machine.free_luns(0, taken)
                desk.commands = machine.commands()
                desk.machine = machine
        return desk.machine

    def _gathered(self, desk: _Desk, most: int) -> list[_Waiting]:
        """Up to so many that wait, and a while is given for more to come; 0: all that are here, at once."""
        with desk.changed:
            if most:
                linger = _LINGER / self.helper.cloud.connection.haste
                desk.changed.wait_for(lambda: len(desk.waiting) >= most or not desk.coming, linger)
            count = most or len(desk.waiting)
            batch, desk.waiting = desk.waiting[:count], desk.waiting[count:]
            for one in batch:
                one.taken = True
        return batch

    def _carried(self, desk: _Desk, machine: HelperMachine, runs: Sequence[Run], tell: Progress) -> Ends:
        """One by one where the batch as a whole comes to nothing: one of its disks may be the trouble."""
        try:
            return self._round(desk, machine, runs, tell)
        except (InputError, Refused) as error:
            if len(runs) == 1:
                return [error]
        ends: Ends = []
        for run in runs:
            if len(ends) >= _ENOUGH and all(isinstance(end, Refused) for end in ends):
                ends.append(ends[-1])  # what Azure refuses to each of them is none of theirs
                continue
            try:
                self.helper.prepare(run, tell)
                ends += self._round(desk, machine, [run], tell)
            except BootmendError as error:
                ends.append(error)
        return ends

    def _round(self, desk: _Desk, machine: HelperMachine, runs: Sequence[Run], tell: Progress) -> Ends:
        program, mark = self._packed(tell), uuid4().hex
        there = desk.brought == program.digest
        brings = Program(Path(os.devnull), 0, program.digest) if there else program
        luns = [*desk.luns[: len(runs)], desk.luns[-1]]
        parcel = self.helper.parcel(runs, luns, brings, mark=mark, seconds=_SECONDS_EACH)
        copies = [made_for(run, REPAIRED) for run in runs]
        disks = [*map(str, copies), str(parcel)]
        with desk.on_helper:
            try:
                machine.attach(dict(zip(disks, luns, strict=True)))
                tell(say("many.on_helper", name=machine.id.name, count=len(runs)))
                script, desk.commands = batch_script(luns[-1], brings, mark), desk.commands + 1
                forget = machine.stays or desk.commands > _MOST_COMMANDS
                view, trouble = machine.tried(f"bootmend-{mark}", script, _SECONDS, forget=forget)
            except BaseException:
                machine.detach_if_there(disks)
                raise
            machine.detach(disks)
        if (
            view is not None and view.exit_code == NO_PROGRAM and there
        ):  # the helper was made anew meanwhile; nothing was touched
            desk.brought = ""
            self.helper.cloud.remove(str(parcel))
            return self._round(desk, machine, runs, tell)
        try:
            with self.helper.cloud.reading(str(parcel)) as device:
                results = read_results(device, read_header(device))
            if len(results) != len(runs):
                raise InputError(say("many.results_lacking", count=len(results), of=len(runs)))
        except InputError as error:
            self.helper.cloud.remove(str(parcel))
            raise trouble or no_results(machine.id.name, view, error) from error
        desk.brought = program.digest
        self.helper.cloud.remove(str(parcel))
        return [self.helper.mended(copy, one) for copy, one in zip(copies, results, strict=True)]

    def _packed(self, tell: Progress) -> Program:
        with self._packing:
            if self._program is None:
                tell(say("azure.packing"))
                self._program = Program.of(portable())
            return self._program
