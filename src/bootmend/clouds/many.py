"""Many machines at once: each a run of its own with its own record, verdict and way back, side by side in threads.

What goes wrong with one machine is kept beside it and holds up no other. Ctrl-C lets each thread end the step it is
at; what is open then goes on with --resume, as after a crash.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from bootmend.clouds.cloud import Machine
from bootmend.clouds.run import Run, Stage
from bootmend.errors import CloudAway
from bootmend.repair import Progress
from bootmend.texts import say

_LISTEN = 0.2
"""Seconds after which Ctrl-C is heard at the latest."""


@dataclass(slots=True)
class Member:
    """One of the machines that were named."""

    name: str
    machine: Machine | None = None
    run: Run | None = None
    error: Exception | None = None
    """Why nothing was begun, or what ended its run."""
    wanted: Stage | None = None
    """Where an undo or a confirm is to bring it."""

    @property
    def good(self) -> bool:
        """It runs, or nothing was wrong with it, or it was to be left off and is repaired; or it is where it should."""
        run = self.run
        if run is None or self.error is not None:
            return False
        if self.wanted is not None:
            return run.stage is self.wanted
        if run.stage is Stage.DONE:
            return run.verdict == "healthy" or not run.options.get("start", True)
        return run.outcome == "healthy"


class Stop:
    """Set by Ctrl-C, heard by every thread where it says what it does next."""

    def __init__(self) -> None:
        self._set = threading.Event()

    def now(self) -> None:
        self._set.set()

    @property
    def wanted(self) -> bool:
        return self._set.is_set()

    def heard(self) -> None:
        """CloudAway once it is set: a run that ends so can be resumed."""
        if self.wanted:
            raise CloudAway(say("many.stopped"))

    def sleep(self, seconds: float) -> None:
        self._set.wait(seconds)
        self.heard()

    def telling(self, name: str, tell: Progress) -> Progress:
        """What is told carries the machine's name; CloudAway instead once it is to stop."""

        def told(words: str) -> None:
            self.heard()
            tell(f"{name}: {words}")

        return told


def side_by_side(members: Sequence[Member], work: Callable[[Member], None], at_once: int, stop: Stop) -> None:
    """`work` for each, `at_once` of them at a time; an error is kept with its member. Ctrl-C comes out at the end."""
    waiting = deque(members)

    def worker() -> None:
        while not stop.wanted:
            try:
                member = waiting.popleft()
            except IndexError:
                return
            try:
                work(member)
            except Exception as error:  # one machine's trouble, whatever it is, is not the others'
                member.error = error

    threads = [threading.Thread(target=worker, daemon=True) for _ in range(min(at_once, len(members)))]
    try:
        for thread in threads:
            thread.start()
        _wait_for(threads)
    except KeyboardInterrupt:
        stop.now()
        _wait_for(threads)  # a second Ctrl-C ends it here: as a crash, after which --resume goes on
        raise


def _wait_for(threads: Iterable[threading.Thread]) -> None:
    for thread in threads:
        while thread.is_alive():
            thread.join(_LISTEN)
