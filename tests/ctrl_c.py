"""Ctrl-C and a closing terminal in tests: a shell's background ignores SIGINT, `nohup` SIGHUP, as do their children."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def heeding_ctrl_c() -> Iterator[None]:
    """Within the block SIGINT is a KeyboardInterrupt and SIGHUP ends a process, here and in what is started here."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    hung_up = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        signal.signal(signal.SIGHUP, hung_up)
