"""How often a machine may be asked: Azure allows twelve reads of one virtual machine a minute, over all kinds of them.

https://learn.microsoft.com/azure/virtual-machines/compute-throttling-limits
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

BETWEEN = 5.0
"""Seconds between two reads of one machine."""


class Pace:
    """Waits until the next read of a machine is due. Safe for threads; each machine has its own pace."""

    def __init__(
        self,
        between: float = BETWEEN,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._between = between
        self._sleep = sleep
        self._clock = clock
        self._due: dict[str, float] = {}
        self._lock = threading.Lock()

    def wait(self, machine: str) -> None:
        with self._lock:
            now = self._clock()
            due = max(now, self._due.get(machine.lower(), now))
            self._due[machine.lower()] = due + self._between
        if due > now:
            self._sleep(due - now)
