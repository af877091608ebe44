"""The double served until it is told to stop; it tells where it is reached."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from bootmend.clouds.azure.simulate.double import Double
from bootmend.clouds.azure.simulate.throttle import Limits


def serve(
    machines: Iterable[tuple[str, Path]],
    *,
    folder: Path | None,
    port: int,
    pace: float,
    limits: Limits | None,
    tell: Callable[[str], None],
) -> None:
    """Until SIGTERM or SIGINT; a machine whose name is known from the folder stays as it is there."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with Double(folder, pace=pace, limits=limits, port=port) as double:
        for name, disk in machines:
            if name not in double.names("virtualMachines"):
                double.add_vm(name, disk=disk)
        told = {
            "url": double.url,
            "subscription": double.subscription,
            "pid": os.getpid(),
            "environment": double.identity,
        }
        tell(json.dumps(told))
        stop.wait()
