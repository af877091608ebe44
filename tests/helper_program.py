"""A program for a helper that starts at once: this very Python, and a `repair` that puts eight bytes right.

What is tried with it is the way there and back; that the real archive runs is tried in test_portable.py.
"""

from __future__ import annotations

import io
import os
import sys
import tarfile
from pathlib import Path

from azure_stage import azure_cloud
from cloud_stage import GOOD, HASTY, PLACE

from bootmend.clouds.azure.cloud import AzureCloud
from bootmend.clouds.azure.helper import Helper, Orders
from bootmend.clouds.azure.helper_choice import clear_helper
from bootmend.clouds.azure.helper_machine import Wanted
from bootmend.clouds.flow import Flow, begin
from bootmend.clouds.run import Run, Stage, Store

__all__ = ["azure_cloud", "helper_flow", "write_program"]

REPAIR = f"""
import json, sys
words = sys.argv[1:]
if words[0] == "repair":
    if "not-this-one" in words:
        sys.stderr.write("refused: not this one")
        sys.exit(3)
    with open(words[1], "r+b") as disk:
        disk.seek({PLACE})
        disk.write({GOOD!r})
    found = [{{"rule": "r", "subject": "S", "severity": "cause", "title": "eight bytes are wrong"}}]
    print(json.dumps({{"findings": found, "healthy": True, "commit": {{"patches": 1}}, "words": words}}))
else:
    print(json.dumps({{"findings": [], "healthy": True}}))
"""


def write_program(folder: Path, repair: str = REPAIR) -> Path:
    """An archive like that of portable()."""
    paths = os.pathsep.join(path for path in sys.path if path)
    start = f'#!/bin/sh\nexport PYTHONPATH="{paths}"\nhere=$(cd "$(dirname "$0")" && pwd)\nmodule=$1\nshift\n'
    start += f'if [ "$module" = bootmend ]; then exec "{sys.executable}" "$here/repair.py" "$@"; fi\n'
    start += f'exec "{sys.executable}" -m "$module" "$@"\n'
    archive = folder / "program.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for name, text in (("run", start), ("repair.py", repair)):
            about = tarfile.TarInfo(name)
            about.size, about.mode = len(text.encode()), 0o755
            tar.addfile(about, io.BytesIO(text.encode()))
    return archive


def helper_flow(cloud: AzureCloud, store: Store, **wanted: object) -> Run:
    """A new run by a helper, or the one that was broken off, to its end."""
    machine = cloud.find("web1")
    known = store.of_machine(cloud.kind, machine.id)
    way = Helper(cloud, store, Wanted(**wanted), Orders(["a root"]))  # type: ignore[arg-type]
    run = next((run for run in known if run.unfinished), None)
    if run is None and known and known[0].stage is Stage.DONE:
        run = known[0]  # killed while the helper was being removed
    if run is None:
        options = {"start": True, "accept": [], "helper": wanted, "place": machine.place}
        run = begin(cloud, store, machine, "helper", options)
    Flow(cloud, store, run, way, HASTY).go()
    clear_helper(cloud, store, run, lambda _: None)
    return run
