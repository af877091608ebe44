"""The double served until it is told to stop; it tells where it is reached."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from bootmend.clouds.azure.simulate.double import Double
from bootmend.clouds.azure.simulate.oracles import restored
from bootmend.clouds.azure.simulate.throttle import Limits


def serve(
    machines: Iterable[tuple[str, Path]],
    *,
    healthy: Mapping[str, Path] | None = None,
    folder: Path | None,
    port: int,
    pace: float,
    limits: Limits | None,
    tell: Callable[[str], None],
) -> None:
    """Until SIGTERM or SIGINT.

    A machine is a name and the file of its OS disk; `healthy` names the file of its healthy twin, by which its starts
    are judged (restored.py), and without one it always boots. One that is known from the folder stays as it is there.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with Double(folder, pace=pace, limits=limits, port=port) as double:
        twins = healthy or {}
        for name, disk in machines:
            if name not in double.names("virtualMachines"):
                double.add_vm(name, disk=disk, boots=restored(disk, twins[name]) if name in twins else None)
        told = {
            "url": double.url,
            "subscription": double.subscription,
            "pid": os.getpid(),
            "environment": double.identity,
        }
        tell(json.dumps(told))
        stop.wait()
