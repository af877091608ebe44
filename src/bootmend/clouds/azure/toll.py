"""Azure's limits on calls about machines, kept before they bite: a call waits for its turn here, or is refused there.

A bucket a machine and kind of change, and a bucket a subscription and kind, start full; each call takes one, and each
minute some come back: https://learn.microsoft.com/azure/virtual-machines/compute-throttling-limits . What Azure says
is left counts where it is less than what is left by our own count, because others use the subscription too:
https://learn.microsoft.com/troubleshoot/azure/virtual-machines/troubleshooting-throttling-errors . How often one
machine may be read is kept in pace.py. What is refused all the same (429) is tried again by the SDK when Azure says
so, and counted.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from azure.core.pipeline import PipelineRequest, PipelineResponse

_BURST = 3
"""A bucket holds so many minutes' worth."""
_CHANGES, _CHANGES_IN_ALL, _READS_IN_ALL, _LISTS = 4, 500, 8000, 30
_MINUTE = 62.0
"""Ours are a little longer than Azure's, so that a call never comes just before its bucket is filled up."""
_LEFT = "x-ms-ratelimit-remaining-resource"
_VM = re.compile(
    r"/subscriptions/([^/]+)/(?:resourcegroups/[^/]+/)?providers/microsoft\.compute/virtualmachines(/[^/]+)?(/.*)?",
    re.IGNORECASE,
)
_A_LEVEL = re.compile(r"Microsoft\.Compute/(\w{1,80});(\d{1,9})")


@dataclass(slots=True)
class Bucket:
    refill: int
    level: float
    window: float
    """When its minute began."""
    heard: bool = False

    def settle(self, now: float, minute: float) -> None:
        minutes = int((now - self.window) // minute)
        if minutes > 0:
            self.level = min(self.refill * _BURST, self.level + minutes * self.refill)
            self.window += minutes * minute


@dataclass(slots=True)
class Toll:
    """Safe for threads. `haste` is that of the connection."""

    haste: float = 1.0
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    refused: int = 0
    """How often Azure said 429."""
    waited: float = 0.0
    """Seconds, over all threads."""
    _buckets: dict[tuple[str, str], Bucket] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def due(self, request: PipelineRequest[Any]) -> None:
        """Returns when the call may be sent; called before every try."""
        for name, whose, refill in _wanted(request.http_request.method, urlsplit(request.http_request.url).path):
            while pause := self._take(name, whose, refill):
                self.sleep(pause)

    def heard(self, response: PipelineResponse[Any, Any]) -> None:
        """What an answer says of what is left."""
        if response.http_response.status_code == 429:
            with self._lock:
                self.refused += 1
        left = dict(_A_LEVEL.findall(response.http_response.headers.get(_LEFT) or ""))
        request = response.http_request
        for name, whose, _ in _wanted(request.method, urlsplit(request.url).path):
            with self._lock:
                bucket = self._buckets.get((name, whose))
                if bucket is None:
                    continue
                if not bucket.heard:  # Azure's own bucket began before this answer
                    bucket.heard, bucket.window = True, self.clock()
                if name in left:
                    bucket.level = min(bucket.level, float(left[name]))

    def _take(self, name: str, whose: str, refill: int) -> float:
        """Seconds to wait until it is worth asking again; 0 where one was taken."""
        minute = _MINUTE / self.haste
        with self._lock:
            now = self.clock()
            bucket = self._buckets.setdefault((name, whose), Bucket(refill, refill * _BURST, now))
            bucket.settle(now, minute)
            if bucket.level >= 1:
                bucket.level -= 1
                return 0.0
            pause = max(bucket.window + minute - now, 0.001)
            self.waited += pause
            return pause


def _wanted(method: str, path: str) -> Iterator[tuple[str, str, int]]:
    """The buckets a call takes from, by Azure's names: (name, whose, refill a minute)."""
    found = _VM.fullmatch(path)
    if found is None:
        return
    subscription, name, rest = found[1].lower(), (found[2] or "").lower(), (found[3] or "").lower()
    if not name:
        yield "HighCostGetSubscriptionMaximum", subscription, _LISTS
    elif method in ("GET", "HEAD") or rest == "/retrievebootdiagnosticsdata":
        yield "GetVMSubscriptionMaximum", subscription, _READS_IN_ALL
    else:
        goes = rest == "/deallocate" or (method == "DELETE" and not rest)
        kind = "DeleteVM" if goes else "PutVM" if method == "PUT" and not rest else "UpdateVM"
        machine = path.lower()[: len(path) - len(rest)]
        yield f"{kind}Resource", machine, _CHANGES
        yield f"{kind}SubscriptionMaximum", subscription, _CHANGES_IN_ALL
