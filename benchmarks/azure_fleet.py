"""Many machines through one helper on the double, with Azure's own limits: how long, how many calls, how often 429.

    python benchmarks/azure_fleet.py [--machines 200] [--real 20] [--disks 16] [--pace 4]

What runs is `bootmend azure repair VM VM...` as it is; the double is a process of its own. `--real` of the machines have
a whole disk of the lab (2 GiB, its driver's catalog lost) that bootmend truly diagnoses, repairs and diagnoses again on
the helper, and whose start is judged against its healthy twin. The others have the small disk of the tests, on
which a repair of eight bytes is truly made, read and judged: there the way is measured, not the repair.

Minutes are Azure's: the double's clock goes `pace` times as fast as ours, so that what this computer takes for 200 clients
and for the repairs counts `pace` times too. Beside the time stands what the limits themselves allow: for every bucket
(https://learn.microsoft.com/azure/virtual-machines/compute-throttling-limits) its calls less the first burst, by its refill.
"""  # noqa: E501  a link

from __future__ import annotations

import argparse
import contextlib
import io
import json
import multiprocessing
import os
import resource
import sys
import tarfile
import tempfile
import time
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parents[1] / "tests"
sys.path.insert(0, str(TESTS))

from cloud_stage import SIZE, boots, make_disk  # noqa: E402
from helper_program import write_program  # noqa: E402

import bootmend.clouds.azure.batch as by_batch  # noqa: E402
from bootmend.cli import main as command_line  # noqa: E402
from bootmend.clouds.azure.simulate.double import Double  # noqa: E402
from bootmend.clouds.azure.simulate.oracles import restored  # noqa: E402
from bootmend.clouds.azure.simulate.throttle import Limits  # noqa: E402
from bootmend.lab.machine import create  # noqa: E402


def _name(number: int) -> str:
    return f"web{number:03}"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _program(folder: Path) -> Path:
    """An archive whose `run` takes bootmend itself for a disk of the lab, and eight bytes for one of the tests."""
    stage = write_program(folder)
    paths = os.pathsep.join(path for path in sys.path if path)
    start = f"""#!/bin/sh
here=$(cd "$(dirname "$0")" && pwd)
export PYTHONPATH="{paths}"
module=$1
shift
if [ "$module" = bootmend ] && [ "$(stat -L -c %s "${{2:-/}}")" -eq {SIZE} ]; then
    exec "{sys.executable}" "$here/repair.py" "$@"
fi
exec "{sys.executable}" -m "$module" "$@"
"""
    archive = folder / "both.tar.gz"
    with tarfile.open(stage) as old, tarfile.open(archive, "w:gz") as new:
        for about in old.getmembers():
            words = start.encode() if about.name == "run" else (old.extractfile(about) or io.BytesIO()).read()
            about.size = len(words)
            new.addfile(about, io.BytesIO(words))
    return archive


def _double(there: Connection, folder: Path, machines: int, real: int, pace: float, lab: Path, twin: Path) -> None:
    """The double, with its machines, until something is said; then it tells what it saw."""
    small = make_disk(folder / "small.raw")
    oracle = restored(lab, twin) if real else None
    with Double(pace=pace, limits=Limits()) as double:
        for number in range(machines):
            whole = number < real
            vm = double.add_vm(_name(number), disk=lab if whole else small, boot_diagnostics=False)
            vm.boots_when(oracle if whole and oracle is not None else boots)
        there.send((double.url, double.subscription))
        there.recv()
        ready = sum(double.vm(_name(number)).phase == "ready" for number in range(machines))
        left = [name for name in double.leaks() if "helper" in name or "parcel" in name or name.startswith("links")]
        calls = [(seen.action, seen.method, seen.path, seen.polling) for seen in double.calls if seen.arm]
        there.send((ready, left, calls, double.throttle.refused, len(double.calls)))


def _least(calls: list[tuple[str, str, str, bool]], limits: Limits) -> tuple[float, str]:
    """(minutes, bucket) of the bucket that takes longest for these calls."""
    wanted: Counter[tuple[str, str, int]] = Counter()
    for action, method, path, polling in calls:
        if polling or "/virtualmachines" not in path.lower():
            continue
        parts = path.split("/")
        if len(parts) < 9:
            wanted["lists", "", limits.lists] += 1
        elif method == "GET" or "retrieveBoot" in action:
            wanted["reads of", parts[8], limits.reads] += 1
        else:
            kind = "deallocate" if "deallocate" in action else action.rsplit("/", 2)[-2 if "action" in action else -1]
            kind = "changes of" if "runCommand" in action or kind in ("start", "attachDetachDataDisks") else kind
            wanted[kind, parts[8], limits.changes] += 1
            wanted[kind, "", limits.changes_in_all] += 1
    held = {
        f"{kind} {whose}".strip(): (count / refill - limits.burst) for (kind, whose, refill), count in wanted.items()
    }
    name = max(held, key=lambda one: held[one])
    return max(0.0, held[name]), name


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--machines", type=int, default=200)
    parser.add_argument("--real", type=int, default=20, help="of them, how many have a whole disk of the lab")
    parser.add_argument("--disks", type=int, default=16, help="data disks of the helper, the parcel included")
    parser.add_argument("--pace", type=float, default=4.0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["XDG_STATE_HOME"] = str(folder / "state")
        settings = {"generation": 2, "size": 2 << 30, "catalogs": 20}
        lab, twin = folder / "lab.vhd", folder / "twin.vhd"
        if given.real:
            os.environ["BOOTMEND_TRUST"] = str(create(lab, fault=["catalog-lost"], **settings).pem)  # type: ignore[arg-type]
            create(twin, **settings)  # type: ignore[arg-type]
        here, there = multiprocessing.Pipe()
        arguments = (there, folder, given.machines, given.real, given.pace, lab, twin)
        double = multiprocessing.get_context("fork").Process(target=_double, args=arguments)
        double.start()
        url, subscription = here.recv()
        os.environ["BOOTMEND_AZURE_SIMULATOR"] = f"{url}/?subscription={subscription}&pace={given.pace}"
        archive = _program(folder)
        by_batch.portable = lambda: archive  # type: ignore[attr-defined]
        names = [_name(number) for number in range(given.machines)]
        words = ["azure", "repair", *names, "-g", "lab", "--helper-disks", str(given.disks), "--wait", "60"]
        began = time.monotonic()
        with contextlib.redirect_stdout(io.StringIO()) as out:
            code = command_line._run([*words, "--yes", "--json", "--at-once", "500"], debug=False)
        seconds = time.monotonic() - began
        here.send("what did you see")
        ready, left, calls, refused, seen = here.recv()
        double.join()
    told: dict[str, Any] = json.loads(out.getvalue())
    good = sum(row["good"] for row in told["machines"])
    for row in told["machines"]:
        if not row["good"]:
            _say(f"{row['name']}: {row['error'] or row['run']}")
    kinds = Counter(f"{method} {action}" for action, method, _, polling in calls if not polling)
    for kind, count in kinds.most_common():
        _say(f"{count:7} {kind}")
    batches = kinds["POST Microsoft.Compute/virtualMachines/attachDetachDataDisks/action"] // 2
    least, bucket = _least(calls, Limits())
    polls = sum(polling for *_, polling in calls)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    _say(f"{polls:7} looks after operations; {seen} calls in all, of disks' bytes too")
    _say(f"{good} of {given.machines} machines repaired, {ready} run ({given.real} whole disks); exit code {code}")
    _say(f"429 was said {refused} times; left behind: {left or 'nothing'}")
    _say(f"{batches} batches on one helper of {given.disks} disks")
    _say(f"{seconds * given.pace / 60:.1f} minutes of Azure's; its limits alone ask for {least:.1f} (by {bucket})")
    _say(f"{seconds:.0f} s here, at {given.pace:g} times Azure's pace; {memory} MiB at most in the client")
    return 0 if good == ready == given.machines and not left and not refused else 1


if __name__ == "__main__":
    sys.exit(main())
