"""Each fault of the lab through `azure repair --how direct` on the double: how it ends, and how long it takes.

    python benchmarks/azure_faults.py [--pace 1000] [FAULT]...

Whether the machine starts is judged by the double, against the healthy twin of its disk and without bootmend's own
diagnosis (simulate/restored.py); a repair that mends in another way than bringing back what was lost does not start
there, and is taken back. In any case the machine must end on its new disk and run, or on its old one, untouched, with
nothing left of the run: anything else is called wrong.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bootmend.clouds.azure.cloud import AzureCloud
from bootmend.clouds.azure.connection import to_url
from bootmend.clouds.azure.simulate.double import Double
from bootmend.clouds.azure.simulate.oracles import restored
from bootmend.clouds.flow import Flow, begin
from bootmend.clouds.mending import Asked, Here
from bootmend.clouds.run import Run, Stage, Store
from bootmend.clouds.watch import Patience
from bootmend.disk.container import open_disk
from bootmend.errors import BootmendError
from bootmend.lab.faults import apply_fault, faults
from bootmend.lab.machine import LabMachine, create
from bootmend.signing.roots import Trust
from bootmend.windows.donor import Given


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _broken(base: LabMachine, fault: str, path: Path) -> None:
    subprocess.run(["cp", "--sparse=always", base.path, path], check=True)
    with open_disk(str(path), writable=True) as disk:
        apply_fault(disk, fault, base.manifest)


def _digest(path: Path) -> str:
    """Of the first 64 MiB, and of what a sparse copy keeps of the rest."""
    with path.open("rb") as file:
        return hashlib.sha256(file.read(64 << 20)).hexdigest() + str(path.stat().st_blocks)


def tried(base: LabMachine, fault: str, folder: Path, pace: float) -> tuple[Run | None, str, list[str]]:
    """(the run, an error's words, what is wrong)."""
    path = folder / "broken.vhd"
    path.unlink(missing_ok=True)
    _broken(base, fault, path)
    before = _digest(path)
    asked = Asked(Given(Trust([base.pem.read_bytes()])))
    told, run = "", None
    with Double(pace=pace) as double:
        vm = double.add_vm("web1", disk=path, boots=restored(path, base.path), boot_diagnostics=False)
        cloud, store = AzureCloud(to_url(double.url, double.subscription, pace), "lab"), Store(folder / fault)
        patience = Patience(900 / pace, 10 / pace, 45 / pace, 60 / pace)
        try:
            run = begin(cloud, store, cloud.find("web1"), "direct", {"start": True})
            Flow(cloud, store, run, Here(cloud, asked), patience).go()
        except BootmendError as error:
            told = str(error)
        wrong = []
        if run is not None and run.stage is Stage.DONE:
            if vm.os_disk == "web1_OsDisk_1" or (run.verdict == "healthy" and vm.phase != "ready"):
                wrong.append(f"done, on {vm.os_disk}, {vm.phase}")
        elif vm.os_disk != "web1_OsDisk_1" or double.leaks():
            wrong.append(f"not on its old disk, or left: {double.leaks()}")
        if vm.power != "running":
            wrong.append(f"the machine is {vm.power}")
        if _digest(path) != before:
            wrong.append("the old disk was written to")
    return run, told, wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pace", type=float, default=1000.0)
    parser.add_argument("--generation", type=int, default=2)
    parser.add_argument("fault", nargs="*")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bootmend-azure-"))
    bad = 0
    sums: dict[str, int] = {}
    try:
        base = create(folder / "base.vhd", generation=given.generation, catalogs=120)
        for name in given.fault or [one.name for one in faults()]:
            began = time.monotonic()
            try:
                run, told, wrong = tried(base, name, folder, given.pace)
            except BootmendError as error:  # such as a fault of the other generation
                _say(f"{name:<34} not grown: {error}")
                continue
            end = f"{run.stage} {run.outcome} {run.verdict}" if run is not None else "refused"
            sums[end] = sums.get(end, 0) + 1
            why = told or (run.reason if run is not None else "")
            _say(f"{name:<34} {end:<36} {time.monotonic() - began:5.1f} s  {why[:90]}")
            for one in wrong:
                bad += 1
                _say(f"    WRONG: {one}")
    finally:
        shutil.rmtree(folder)
    for end, count in sorted(sums.items()):
        _say(f"{count:4} {end}")
    _say(f"{bad} wrong")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
