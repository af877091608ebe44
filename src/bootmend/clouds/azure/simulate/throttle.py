"""Throttling of Microsoft.Compute: token buckets a machine, and a subscription and region.

https://learn.microsoft.com/azure/virtual-machines/compute-throttling-limits : a bucket starts full, each call takes
one, it is refilled each minute; an empty one answers 429 with Retry-After. What is left stands in a header:
https://learn.microsoft.com/troubleshoot/azure/virtual-machines/troubleshooting-throttling-errors .
Snapshots: the header of https://github.com/Azure/azure-powershell/issues/11464 .
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bootmend.clouds.azure.simulate.clock import Clock
from bootmend.clouds.azure.simulate.ids import RUN_COMMAND, SNAPSHOT, VM
from bootmend.clouds.azure.simulate.wire import ArmError


@dataclass(slots=True)
class Limits:
    """Calls a minute, and for snapshots a half-hour."""

    vm_updates: int = 4
    vm_gets: int = 12
    updates: int = 500
    gets: int = 2500
    """ASSUMPTION on the low side."""
    snapshots: int = 1920


@dataclass(slots=True)
class _Bucket:
    name: str
    size: float
    per_second: float
    level: float
    at: float


@dataclass(slots=True)
class Throttle:
    """Off without limits."""

    clock: Clock
    limits: Limits | None = None
    refused: int = 0
    _buckets: dict[tuple[str, str], _Bucket] = field(default_factory=dict)

    def take(self, kind: str, method: str, path: str, region: str) -> str:
        """One call; what is left, as the header says it. 429 where a bucket is empty."""
        if self.limits is None:
            return ""
        buckets = [self._bucket(*one) for one in _wanted(self.limits, kind, method, path, region)]
        for bucket in buckets:
            if bucket.level < 1:
                self.refused += 1
                wait = (1 - bucket.level) / bucket.per_second
                raise ArmError(
                    429,
                    "OperationNotAllowed",
                    "The server rejected the request because too many requests have been received.",
                    self.clock.pause(wait + 0.5),  # rounded up
                )
        for bucket in buckets:
            bucket.level -= 1
        return ",".join(f"{bucket.name};{int(bucket.level)}" for bucket in buckets)

    def _bucket(self, name: str, of: str, size: float, seconds: float) -> _Bucket:
        now = self.clock.now()
        bucket = self._buckets.setdefault((name, of), _Bucket(name, size, size / seconds, size, now))
        bucket.level = min(bucket.size, bucket.level + (now - bucket.at) * self.clock.pace * bucket.per_second)
        bucket.at = now
        return bucket


def _wanted(limits: Limits, kind: str, method: str, path: str, region: str) -> list[tuple[str, str, float, float]]:
    """The buckets that a call takes from: (name, whose, size, seconds that fill it)."""
    if kind in (VM, RUN_COMMAND):
        parts = path.lower().split("/")
        vm = "/".join(parts[:9])
        if method in ("GET", "HEAD") or path.lower().endswith("/retrievebootdiagnosticsdata"):
            wanted = [("Microsoft.Compute/GetResource", vm, float(limits.vm_gets), 60.0)] if len(parts) >= 9 else []
            return [*wanted, ("Microsoft.Compute/GetSubscriptionMaximum", region, float(limits.gets), 60.0)]
        return [
            ("Microsoft.Compute/UpdateResource", vm, float(limits.vm_updates), 60.0),
            ("Microsoft.Compute/UpdateSubscriptionMaximum", region, float(limits.updates), 60.0),
        ]
    if kind == SNAPSHOT and method == "PUT":
        return [("Microsoft.Compute/HighCostSnapshotCreateHydrate30Min", region, float(limits.snapshots), 1800.0)]
    return []
