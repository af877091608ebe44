"""What all rules and witnesses cost beside the first path's rules: processor time, memory, bytes, in one run.

    python benchmarks/rules.py [--generation 2] [--catalogs 3000] [--runs 5] [--folder DIR]

Each figure is of a process of its own that diagnoses the same healthy machine, the two kinds in turn. The first
path: catalogs, damaged, missing, untrusted and hidden drivers, without the time line. The aim: less than twice.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from diagnose import grown

from bootmend import repair
from bootmend.disk.container import open_disk
from bootmend.disk.device import Metered
from bootmend.rules import all_rules
from bootmend.signing.roots import Trust
from bootmend.windows.donor import Given
from bootmend.windows.installation import Windows
from bootmend.windows.timeline import Timeline

FIRST = ("catalog_missing", "driver_damaged", "driver_missing", "driver_out_of_sight", "driver_untrusted")


def look(path: str, pem: str, kind: str) -> None:
    """In a process of its own; prints [processor seconds, peak bytes, bytes read, slowest rules]."""
    known = all_rules()
    if kind == "first":
        repair.all_rules = lambda: {name: known[name] for name in FIRST}  # type: ignore[assignment]
        Windows.timeline = Timeline()  # type: ignore[assignment]
    before = time.process_time()
    with open_disk(path) as disk:
        metered = Metered(disk)
        repair.diagnose(metered, Given(Trust([Path(pem).read_bytes()]))).image.close()
    spent = time.process_time() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    json.dump([spent, peak, metered.bytes_read], sys.stdout)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--generation", type=int, default=2)
    options.add_argument("--catalogs", type=int, default=3000)
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "bootmend-benchmark")
    options.add_argument("--look", nargs=3, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.look:
        look(*chosen.look)
        return 0
    machine = grown(chosen.folder, chosen.generation, chosen.catalogs)
    figures: dict[str, list[list[float]]] = {"first": [], "all": []}
    for run in range(chosen.runs + 1):
        for kind, rows in figures.items():
            words = [sys.executable, __file__, "--look", str(machine.path), str(machine.pem), kind]
            row = json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE).stdout)
            if run:  # the first compiles
                rows.append(row)
    for at, what in enumerate(("seconds of processor time", "peak memory, bytes", "bytes read")):
        first, every = (statistics.median(row[at] for row in figures[kind]) for kind in ("first", "all"))
        sys.stdout.write(f"{what:28}{first:>16,.2f}{every:>16,.2f}   {every / first:.2f} times\n")
    sys.stdout.write(f"rules: {len(FIRST)} and {len(all_rules())}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
