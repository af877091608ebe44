"""Throttling of Microsoft.Compute: token buckets a machine, and a subscription and region.

https://learn.microsoft.com/azure/virtual-machines/compute-throttling-limits : a bucket starts full, each call takes
one, each minute it is refilled by its rate; an empty one answers 429. Machines have seven kinds of calls, each with
its own buckets; deallocating is of the kind of deleting, and all single reads of a machine share a bucket. The figures
of the table: https://rate-limits.apis.io/rate-limits/microsoft-azure-virtual-machines/microsoft-azure-virtual-machines-rate-limits/ .
What is left stands in x-ms-ratelimit-remaining-resource
(https://learn.microsoft.com/troubleshoot/azure/virtual-machines/troubleshooting-throttling-errors).
Snapshots: the header in https://github.com/Azure/azure-powershell/issues/11464 .
"""  # noqa: E501  a link

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from bootmend.clouds.azure.simulate.clock import Clock
from bootmend.clouds.azure.simulate.ids import RUN_COMMAND, SNAPSHOT, VM
from bootmend.clouds.azure.simulate.wire import ArmError


@dataclass(frozen=True, slots=True)
class Limits:
    """Refills a minute; a bucket holds `burst` times as much."""

    burst: int = 3
    changes: int = 4
    """Of a machine, for each of making, updating, and deleting or deallocating it."""
    changes_in_all: int = 500
    reads: int = 12
    """Of a machine: itself, its instance view, boot diagnostics, run commands."""
    reads_in_all: int = 8000
    lists: int = 30
    snapshots_in_half_an_hour: int = 1920


@dataclass(slots=True)
class Bucket:
    """Refilled once a minute of the clock, as the table in the document has it."""

    name: str
    refill: float
    capacity: float
    level: float
    window: float
    """When the minute under way began."""
    seconds: float = 60.0

    def settle(self, now: float) -> None:
        minutes = int((now - self.window) // self.seconds)
        if minutes > 0:
            self.level = min(self.capacity, self.level + minutes * self.refill)
            self.window += minutes * self.seconds

    def wait(self, now: float) -> float:
        """Seconds until it is refilled."""
        return self.window + self.seconds - now


@dataclass(slots=True)
class Throttle:
    """Lets everything through without limits."""

    clock: Clock
    limits: Limits | None = None
    refused: int = 0
    _buckets: dict[tuple[str, str], Bucket] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, kind: str, method: str, path: str, region: str) -> str:
        """One call; what is left, as the header says it. 429 where a bucket is empty."""
        if self.limits is None:
            return ""
        now = self.clock.azure_now()
        with self._lock:
            buckets = [self._bucket(now, *one) for one in _wanted(self.limits, kind, method, path, region)]
            for bucket in buckets:
                if bucket.level < 1:
                    self.refused += 1
                    raise ArmError(
                        429,
                        "OperationNotAllowed",
                        "The server rejected the request because too many requests have been received.",
                        self.clock.pause(bucket.wait(now) + 0.5),
                    )
            for bucket in buckets:
                bucket.level -= 1
            return ",".join(f"Microsoft.Compute/{bucket.name};{int(bucket.level)}" for bucket in buckets)

    def _bucket(self, now: float, name: str, of: str, refill: float, burst: int, seconds: float) -> Bucket:
        fresh = Bucket(name, refill, refill * burst, refill * burst, now, seconds)
        bucket = self._buckets.setdefault((name, of), fresh)
        bucket.settle(now)
        return bucket


def _wanted(
    limits: Limits, kind: str, method: str, path: str, region: str
) -> Iterator[tuple[str, str, float, int, float]]:
    """The buckets that a call takes from: (name, whose, refill, burst, seconds)."""
    if kind == SNAPSHOT and method == "PUT":
        yield "HighCostSnapshotCreateHydrate30Min", region, limits.snapshots_in_half_an_hour, 1, 1800.0
    if kind not in (VM, RUN_COMMAND):
        return
    parts = path.lower().split("/")
    vm = "/".join(parts[:9])
    if len(parts) < 9:
        yield "HighCostGetSubscriptionMaximum", "", limits.lists, limits.burst, 60.0
    elif method in ("GET", "HEAD") or parts[-1] == "retrievebootdiagnosticsdata":
        yield "GetVMResource", vm, limits.reads, limits.burst, 60.0
        yield "GetVMSubscriptionMaximum", region, limits.reads_in_all, limits.burst, 60.0
    else:
        leaves = parts[-1] == "deallocate" or (method == "DELETE" and kind == VM)
        name = "DeleteVM" if leaves else "PutVM" if method == "PUT" and kind == VM else "UpdateVM"
        yield f"{name}Resource", vm, limits.changes, limits.burst, 60.0
        yield f"{name}SubscriptionMaximum", region, limits.changes_in_all, limits.burst, 60.0
