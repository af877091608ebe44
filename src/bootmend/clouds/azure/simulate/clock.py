"""The double's time: real time, plus what was skipped; Azure's own work goes `pace` times as fast."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class Clock:
    def __init__(self, pace: float = 1.0) -> None:
        self.pace = pace
        self.skipped = 0.0

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time() + self.skipped

    def after(self, seconds: float) -> float:
        """When work that takes Azure so many seconds is done."""
        return self.now() + seconds / self.pace

    def pause(self, seconds: float) -> dict[str, str]:
        """The header that says so long to wait: whole seconds as Azure sends them, at least one.

        Where time goes faster here, milliseconds in a header that azure-core reads as well.
        """
        if self.pace <= 1:
            return {"Retry-After": str(max(1, round(seconds / self.pace)))}
        return {"x-ms-retry-after-ms": str(max(1, round(1000 * seconds / self.pace)))}

    def skip(self, seconds: float) -> None:
        self.skipped += seconds

    def stamp(self, when: float | None = None) -> str:
        """As ARM writes a point of time."""
        return datetime.fromtimestamp(self.now() if when is None else when, UTC).isoformat()
