"""Ctrl-C in tests: a shell's background ignores SIGINT, and so does all that is started there."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def heeding_ctrl_c() -> Iterator[None]:
    """Within the block SIGINT is a KeyboardInterrupt, here and in what is started here."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
