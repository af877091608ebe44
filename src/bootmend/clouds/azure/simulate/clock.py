"""The double's time: one that lifetimes of links and tokens go by, and Azure's own, which may go faster."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class Clock:
    """`pace`: how many seconds of Azure's work (deallocating, booting, throttling) pass in a real one."""

    def __init__(self, pace: float = 1.0) -> None:
        self.pace = pace
        self.skipped = 0.0
        self._started = time.time()
        self._azure = 0.0

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time() + self.skipped

    def azure_now(self) -> float:
        """Seconds of Azure's work since the double was first started."""
        return self._azure + (time.time() - self._started) * self.pace + self.skipped

    def after(self, seconds: float) -> float:
        """When, in `azure_now`, work that takes Azure so many seconds is done."""
        return self.azure_now() + seconds

    def skip(self, seconds: float) -> None:
        """On both clocks."""
        self.skipped += seconds

    def resume(self, azure: float, skipped: float) -> None:
        """Goes on from a saved state; no work was done meanwhile."""
        self._azure, self._started, self.skipped = azure - skipped, time.time(), skipped

    def pause(self, seconds: float) -> dict[str, str]:
        """The header that says so long to wait: whole seconds as Azure sends them, at least one.

        Where time goes faster here, milliseconds in a header that azure-core reads as well.
        """
        if self.pace <= 1:
            return {"Retry-After": str(max(1, round(seconds / self.pace)))}
        return {"x-ms-retry-after-ms": str(max(1, round(1000 * seconds / self.pace)))}

    def stamp(self, when: float | None = None) -> str:
        """As ARM writes a point of time."""
        return datetime.fromtimestamp(self.now() if when is None else when, UTC).isoformat()
