"""What a diagnosis over HTTP costs: bytes moved, requests and seconds, by the network's latency.

    python benchmarks/urls.py [--latency 0 10 50] [--fault catalog-lost] [--catalogs 3000] [--folder DIR]

The machine of `benchmarks/diagnose.py` (127 GiB, grown once) is served by the tests' own server, in a process of
its own on this machine, which waits so many milliseconds before each answer; there is no limit of bandwidth.
The server stands in for storage: that it says what Azure would is not what this shows. Seconds are those
of the whole command, start of Python included.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "benchmarks"), str(ROOT / "tests")]

from diagnose import grown, show  # noqa: E402

from bootmend.lab.machine import LabMachine, create  # noqa: E402

_SERVER = """
import sys, time
from pathlib import Path
from disk_server import serving
with serving(Path(sys.argv[1]), page_blob=True, latency=float(sys.argv[2])) as server:
    print(server.signed, flush=True)
    sys.stdin.read()
"""


@contextmanager
def served(path: Path, latency: float) -> Iterator[str]:
    """The URL of the disk; the server ends with its standard input."""
    paths = os.pathsep.join([str(ROOT / "tests"), str(ROOT / "src")])
    command = [sys.executable, "-c", _SERVER, str(path), str(latency)]
    child = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": paths}
    )
    assert child.stdout is not None and child.stdin is not None
    try:
        yield child.stdout.readline().strip()
    finally:
        child.stdin.close()
        child.wait(10)


def run(machine: LabMachine, latency: float) -> None:
    with served(machine.path, latency / 1000) as url:
        words = [sys.executable, "-m", "bootmend", "diagnose", url, "--trust", str(machine.pem), "--json"]
        started = time.perf_counter()
        done = subprocess.run(words, capture_output=True, check=False)
        seconds = time.perf_counter() - started
    if done.returncode not in (0, 1):
        raise SystemExit(done.stderr.decode())
    disk = json.loads(done.stdout)["disk"]
    show(f"{latency:g} ms: seconds", f"{seconds:.1f}")
    show(f"{latency:g} ms: MB moved", f"{disk['bytes_moved'] / 1e6:.1f}")
    show(f"{latency:g} ms: requests", f"{disk['requests']:,}")


def faulty(folder: Path, fault: str, catalogs: int) -> LabMachine:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{fault}-{catalogs}.vhd"
    return LabMachine.load(path) if path.exists() else create(path, fault=[fault], catalogs=catalogs)


def main() -> int:
    options = argparse.ArgumentParser(description="What a diagnosis over HTTP costs.")
    options.add_argument("--latency", type=float, nargs="+", default=[0.0, 10.0, 50.0], metavar="MS")
    options.add_argument("--fault", default="")
    options.add_argument("--catalogs", type=int, default=3000)
    options.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "bootmend-benchmark")
    chosen = options.parse_args()
    if chosen.fault:
        machine = faulty(chosen.folder, chosen.fault, chosen.catalogs)
    else:
        machine = grown(chosen.folder, 2, chosen.catalogs)
    show(f"{machine.path.stat().st_size / (1 << 30):.0f} GiB, {chosen.fault or 'healthy'}", "diagnose over HTTP")
    for latency in chosen.latency:
        run(machine, latency)
    return 0


if __name__ == "__main__":
    sys.exit(main())
