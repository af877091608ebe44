"""kill -9 after every single call of Azure Resource Manager, and a resume: how each of them ends.

    python benchmarks/azure_killed.py [direct|wrong|helper|undo|confirm]...

The client is a process of its own that the double kills right after the Nth call took effect and before its answer
is sent, for every N until the client comes to its end; reads and polling count too. Then another client resumes. A
line for each call that ends otherwise than it should, and a sum for each way. The stage is that of the tests.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

TESTS = Path(__file__).parents[1] / "tests"
sys.path.insert(0, str(TESTS))

from cloud_stage import WRONG  # noqa: E402
from helper_program import helper_flow, write_program  # noqa: E402
from killed_client import Ending, any_call, killed_after, repair  # noqa: E402

import bootmend.clouds.azure.helper as by_helper  # noqa: E402
from bootmend.clouds.azure.cloud import AzureCloud  # noqa: E402
from bootmend.clouds.run import Run, Stage, Store  # noqa: E402
from bootmend.clouds.standing import standing  # noqa: E402
from bootmend.clouds.way_back import confirm, go_back  # noqa: E402


def _standing(what: Callable[[AzureCloud, Store, Run], None]) -> Callable[[AzureCloud, Store], Run]:
    def work(cloud: AzureCloud, store: Store) -> Run:
        machine = cloud.find("web1")
        run = standing(cloud, store, machine)
        if run is None:  # killed after the last call of it
            return store.of_machine(cloud.kind, machine.id)[0]
        what(cloud, store, run)
        return run

    return work


WAYS = {
    "direct": (repair(), None, False),
    "wrong": (repair(WRONG), None, True),
    "helper": (helper_flow, None, False),
    "undo": (_standing(go_back), repair(), False),
    "confirm": (_standing(confirm), repair(), False),
}


def faults(way: str, end: Ending) -> list[str]:
    """What is not as it should be."""
    assert end.run is not None
    found = []
    on_old = way in ("wrong", "undo")
    if (end.os_disk == "web1_OsDisk_1") is not on_old:
        found.append(f"the machine has the disk {end.os_disk}")
    if end.power != "running" or (not on_old and end.phase != "ready"):
        found.append(f"the machine is {end.power}, {end.phase}")
    stage = Stage.BACK if on_old else Stage.CONFIRMED if way == "confirm" else Stage.DONE
    if end.run.stage is not stage:
        found.append(f"the run is {end.run.stage}")
    kept = (1, 0) if on_old or way == "confirm" else (2, 1)
    if (len(end.disks), len(end.snapshots)) != kept or end.other_disks:
        found.append(f"left: {end.disks} {end.snapshots} {end.other_disks}")
    if end.open_links:
        found.append(f"open links: {end.open_links}")
    swaps = end.done["Microsoft.Compute/virtualMachines/write"] - (1 if way == "helper" else 0)
    if swaps > (2 if on_old else 1) or end.done["Microsoft.Compute/snapshots/write"] > 1:
        found.append(f"done twice: {dict(end.done)}")
    return found


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(ways: list[str]) -> int:
    wrong = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        archive = write_program(folder)
        by_helper.portable = lambda: archive  # type: ignore[attr-defined]
        for way in ways:
            work, first, pictures = WAYS[way]
            number, bad, began = 0, 0, time.monotonic()
            while True:
                number += 1
                place = folder / f"{way}{number}"
                end = killed_after(number, place, work, work, counts=any_call, first=first, pictures=pictures)
                if not end.killed:
                    break
                for fault in faults(way, end):
                    bad += 1
                    _say(f"{way}: after call {number}, {end.at}: {fault}")
            seconds = time.monotonic() - began
            _say(f"{way}: killed after each of {number - 1} calls and resumed: {bad} wrong; {seconds:.0f} s")
            wrong += bad
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or list(WAYS)))
