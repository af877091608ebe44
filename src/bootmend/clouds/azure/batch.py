"""Many runs share one helper: those that come to be mended at about the same time are mended in one call each.

Attaching, running and detaching are changes of the helper, of which Azure allows four a minute; so what counts is how
many disks go into one. A run waits until the helper is free and then goes along with all others that wait.
The helper is one that stays (`Wanted.keep`): one of the runs must not take it along when it ends.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

from bootmend.clouds.azure.helper import Helper
from bootmend.clouds.mending import Cause, Mended
from bootmend.clouds.run import Run
from bootmend.errors import BootmendError
from bootmend.repair import Progress


@dataclass(slots=True)
class _Waiting:
    run: Run
    answer: Future[Mended]


@dataclass(slots=True)
class Batches:
    """A way for the flows of many threads. `place` tells which runs may share a helper: region and zone."""

    helper: Helper
    place: Callable[[Run], str]
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _waiting: dict[str, list[_Waiting]] = field(default_factory=dict)
    _at_work: dict[str, threading.Lock] = field(default_factory=dict)

    def mend(self, run: Run, tell: Progress) -> Mended:
        self.helper.prepare(run, tell)
        mine = _Waiting(run, Future())
        place = self.place(run)
        with self._lock:
            self._waiting.setdefault(place, []).append(mine)
            turn = self._at_work.setdefault(place, threading.Lock())
        while not mine.answer.done():
            # Whoever gets the turn takes as many along as the helper holds, perhaps without being one of them.
            with turn:
                if not mine.answer.done():
                    self._work(place, tell)
        return mine.answer.result()

    def check(self, run: Run, tell: Progress) -> list[Cause]:
        return self.helper.check(run, tell)

    def _work(self, place: str, tell: Progress) -> None:
        most = self.helper.wanted.data_disks - 1
        with self._lock:
            batch, self._waiting[place] = self._waiting[place][:most], self._waiting[place][most:]
        try:
            ends = self.helper.mend_all([one.run for one in batch], tell)
        except BaseException as error:
            for one in batch:
                one.answer.set_exception(error)
            if not isinstance(error, BootmendError):
                raise
            return
        for one, end in zip(batch, ends, strict=True):
            if isinstance(end, BootmendError):
                one.answer.set_exception(end)
            else:
                one.answer.set_result(end)
