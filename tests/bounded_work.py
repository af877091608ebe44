"""Work that is counted, not timed: what an input may cost is the same on a busy machine and on an idle one.

with bounded_work(calls=50_000): ...
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import pytest

HANG = 60.0
"""CPU seconds of this process after which nobody waits any longer; what is sound takes a small part of it."""


@contextmanager
def bounded_work(calls: int | None = None) -> Iterator[None]:
    """The block makes at most `calls` calls of functions, of Python or C, and does not hang.

    It is stopped at the first call too many. Work without calls (a regular expression that tries
    every way) only shows in CPU time, and only when it is over.
    """
    made = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal made
        made += event in ("call", "c_call")
        if calls is not None and made > calls:
            sys.setprofile(None)
            pytest.fail(f"more than {calls} calls")

    before = sys.getprofile()
    started = time.process_time()
    if calls is not None:
        sys.setprofile(count)
    try:
        yield
    finally:
        if calls is not None:
            sys.setprofile(before)
    assert time.process_time() - started < HANG
