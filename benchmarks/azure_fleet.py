"""Many machines through one helper on the double, with Azure's own limits: how long, and how often it says 429.

    python benchmarks/azure_fleet.py [--machines 200] [--disks 17] [--pace 4]

Each machine is a flow of its own in a thread; those that come to be mended share a helper (azure/batch.py). The disks
are the small ones of the tests: what is measured is the way through Azure's limits, not the repair. Printed beside it
is the limits' own minimum: each batch is four changes of the helper (attach, run, remove the command, detach), of
which four a minute are allowed after a first burst of twelve. Minutes are Azure's, `pace` times as long as the clock's.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TESTS = Path(__file__).parents[1] / "tests"
sys.path.insert(0, str(TESTS))

from cloud_stage import boots, make_disk  # noqa: E402
from helper_program import write_program  # noqa: E402

import bootmend.clouds.azure.helper as by_helper  # noqa: E402
from bootmend.clouds.azure.batch import Batches  # noqa: E402
from bootmend.clouds.azure.cloud import AzureCloud  # noqa: E402
from bootmend.clouds.azure.connection import to_url  # noqa: E402
from bootmend.clouds.azure.helper_machine import Wanted  # noqa: E402
from bootmend.clouds.azure.simulate.double import Double  # noqa: E402
from bootmend.clouds.azure.simulate.throttle import Limits  # noqa: E402
from bootmend.clouds.flow import Flow, begin  # noqa: E402
from bootmend.clouds.run import Run, Store  # noqa: E402
from bootmend.clouds.watch import Patience  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--machines", type=int, default=200)
    parser.add_argument("--disks", type=int, default=17, help="data disks of the helper, the parcel included")
    parser.add_argument("--pace", type=float, default=4.0)
    given = parser.parse_args()
    pace = given.pace
    with tempfile.TemporaryDirectory() as name, Double(pace=pace, limits=Limits()) as double:
        folder = Path(name)
        archive = write_program(folder)
        by_helper.portable = lambda: archive  # type: ignore[attr-defined]
        disk = make_disk(folder / "disk.raw")
        for number in range(given.machines):
            double.add_vm(f"web{number}", disk=disk, boot_diagnostics=False).boots_when(boots)
        cloud = AzureCloud(to_url(double.url, double.subscription, pace), "lab")
        store = Store(folder / "state")
        wanted = Wanted(data_disks=given.disks, size="Standard_D16s_v5", keep=True)
        way = Batches(by_helper.Helper(cloud, store, wanted, by_helper.Orders()), lambda _: "one")
        patience = Patience(1800 / pace, 10 / pace, 45 / pace, 60 / pace)

        def repaired(name: str) -> Run:
            run = begin(cloud, store, cloud.find(name), "helper", {"start": True})
            return Flow(cloud, store, run, way, patience).go()

        began = time.monotonic()
        with ThreadPoolExecutor(given.machines) as pool:
            runs = list(pool.map(repaired, [f"web{number}" for number in range(given.machines)]))
        minutes = (time.monotonic() - began) * pace / 60
        batches = sum("attachDetach" in seen.action for seen in double.calls) // 2
        good = sum(run.verdict == "healthy" for run in runs)
        ready = sum(double.vm(f"web{number}").phase == "ready" for number in range(given.machines))
        changes = sum(seen.method != "GET" for seen in double.calls if seen.arm)
        told = f"{good} of {len(runs)} machines repaired, {ready} run; {minutes:.1f} minutes of Azure's\n"
        least = max(0, batches - 3)
        told += f"{batches} batches on one helper: their four changes each take {least} minutes at least\n"
        told += f"{len(double.calls)} calls, {changes} of them changes; 429 was said {double.throttle.refused} times\n"
        sys.stdout.write(told)
    return 0 if good == ready == given.machines else 1


if __name__ == "__main__":
    sys.exit(main())
