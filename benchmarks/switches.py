"""A one-switch change on a 127 GiB disk: seconds and changed bytes of enable, disable and undo.

    python benchmarks/switches.py [--generation 2] [--runs 3] [--catalogs 3000]

The machine is a healthy one of the lab, on a sparse file. Each figure is the whole command, start of Python
included, best of the runs; bytes are those of the journal's patches.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bootmend.lab.machine import create

SWITCHES = ("serial-console", "crash-dump", "safe-mode", "crash-debug")


def bootmend(*words: str | Path) -> tuple[float, dict[str, Any]]:
    """Seconds, and the document it printed."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "bootmend", *map(str, words), "--json"], capture_output=True, text=True, check=True
    )
    return time.perf_counter() - started, json.loads(done.stdout)


def measure(disk: Path, switch: str, runs: int) -> str:
    cells: dict[str, list[float]] = {"enable": [], "disable": [], "undo": [], "status": []}
    patches = changed = 0
    for _ in range(runs):
        for words in (["enable", switch], ["disable", switch], ["undo"], ["undo"], ["status"]):
            seconds, told = bootmend(words[0], disk, *words[1:])
            cells[words[0]].append(seconds)
            if words[0] == "enable":
                patches, changed = told["commit"]["patches"], told["commit"]["bytes"]
    times = "".join(f"{min(seconds):9.2f} s" for seconds in cells.values())
    return f"{switch:16}{times}{patches:9}{changed:11,}\n"


def main() -> int:
    options = argparse.ArgumentParser(description="One-switch changes on a large disk.")
    options.add_argument("--generation", type=int, default=2)
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--catalogs", type=int, default=3000)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        disk = Path(folder) / "os.vhd"
        create(disk, generation=chosen.generation, catalogs=chosen.catalogs)
        sys.stdout.write(f"generation {chosen.generation}, {disk.stat().st_size >> 30} GiB, best of {chosen.runs}\n")
        heads = "".join(f"{word:>11}" for word in ("enable", "disable", "undo", "status"))
        sys.stdout.write(f"{'switch':16}{heads}{'patches':>9}{'bytes':>11}\n")
        for switch in SWITCHES:
            sys.stdout.write(measure(disk, switch, chosen.runs))
    return 0


if __name__ == "__main__":
    sys.exit(main())
