"""What a diagnosis costs on a healthy machine of 127 GiB, and how few bytes a repair changes.

    python benchmarks/diagnose.py [--generation 2] [--catalogs 3000] [--runs 5] [--folder DIR]

The machine is grown by the lab on a sparse file, once: it is kept in the folder for the next run (by default
one in the system's temporary folder). Seconds and memory are those of the whole command, start of Python
included; bytes and reads are counted at the disk, in one run inside this process. Changed bytes are whole
sectors, as they would stand in the journal; the disk itself is never written to.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bootmend.disk.container import open_disk
from bootmend.disk.device import BlockDevice, Metered
from bootmend.disk.overlay import Overlay
from bootmend.edit import Edit
from bootmend.formats.bcd import element_id
from bootmend.lab.faults import apply_fault
from bootmend.lab.machine import LabMachine, create
from bootmend.repair import diagnose, propose
from bootmend.signing.roots import Trust
from bootmend.windows.bootchain import read_boot_chain
from bootmend.windows.donor import Given

FAULTS = ("catalog-lost", "driver-damaged", "driver-missing", "catalog-lost+crashed")


def grown(folder: Path, generation: int, catalogs: int) -> LabMachine:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"generation-{generation}-{catalogs}.vhd"
    if path.exists():
        return LabMachine.load(path)
    started = time.perf_counter()
    making = path.with_suffix(".making.vhd")
    made = create(making, generation=generation, catalogs=catalogs)
    for name in (made.pem, made.path.with_name(made.path.name + ".json"), made.path):
        if name.exists():
            name.rename(name.with_name(name.name.replace(making.name, path.name)))
    sys.stdout.write(f"grown in {time.perf_counter() - started:.0f} s: {path}\n")
    return LabMachine.load(path)


def command(machine: LabMachine) -> tuple[float, float, int]:
    """Seconds on the wall, seconds of processor time and peak memory in bytes of one `bootmend diagnose`."""
    started = time.perf_counter()
    words = [sys.executable, "-m", "bootmend", "diagnose", str(machine.path), "--trust", str(machine.pem), "--json"]
    # As where it is installed: modules are compiled once, not by every command.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    kept["PYTHONPYCACHEPREFIX"] = str(machine.path.parent / "compiled")
    child = subprocess.Popen(words, stdout=subprocess.DEVNULL, env=kept)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"diagnose gave exit code {child.returncode} on a healthy machine")
    return time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss << 10


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def show(what: str, figure: str) -> None:
    sys.stdout.write(f"{what:58}{figure:>22}\n")


def inside(machine: LabMachine, given: Given) -> None:
    """The same work in this process, where it can be counted."""
    with open_disk(str(machine.path)) as disk:
        metered = Metered(disk)
        result = diagnose(metered, given)
        result.image.close()
        show("bytes read from the disk", f"{metered.bytes_read:,}")
        show("reads", f"{metered.reads:,}")
        again = diagnose(disk, given)
        windows = type(again.windows)(again.image, again.windows.volume, again.windows.path, again.windows.chain, given)
        seconds = timed(lambda: windows.signatures.active)
        catalogs = len(windows.signatures.active.paths)
        show(f"catalogs indexed ({catalogs:,}), a second", f"{catalogs / seconds:,.0f}")
        drivers = windows.boot_drivers
        seconds = timed(lambda: windows.audited)
        show(f"drivers audited ({len(drivers):,}), a second", f"{len(drivers) / seconds:,.0f}")
        again.image.close()


def repair_bytes(machine: LabMachine, given: Given, fault: str) -> int:
    with open_disk(str(machine.path)) as disk, Overlay(disk) as broken:
        apply_fault(broken, fault, machine.manifest)
        proposal = propose(broken, given)
        proposal.diagnosis.image.close()
        if proposal.rehearsal is None or not proposal.rehearsal.silent:
            raise SystemExit(f"{fault}: no repair")
        return proposal.rehearsal.changed_bytes


@contextmanager
def edit(device: BlockDevice) -> Iterator[Edit]:
    change = Edit(device)
    try:
        yield change
    finally:
        change.overlay.close()


def value_bytes(machine: LabMachine) -> Iterator[tuple[str, int]]:
    """One value in SYSTEM, one element in BCD."""
    with open_disk(str(machine.path)) as disk, edit(disk) as change:
        windows = change.windows
        hive = change.desk.hive(windows.volume, windows.system.path)
        hive.editor.set_value(f"{windows.control_set}\\Control\\CrashControl", "AutoReboot", 4, bytes(4))
        yield "changed bytes: one value in SYSTEM", change.settle()
    with open_disk(str(machine.path)) as disk, edit(disk) as change:
        chain = read_boot_chain(change.image)
        if chain.hive is None or chain.entry is None:
            raise SystemExit("no boot entry")
        store = change.desk.store(chain.hive.volume, chain.hive.path)
        number = element_id("bootems", chain.entry.type)
        if number is None:
            raise SystemExit("no such element")
        store.editor.set(chain.entry.id, number, True)
        yield "changed bytes: one element in BCD", change.settle()


def main() -> int:
    options = argparse.ArgumentParser(description="What a diagnosis costs, and how few bytes a repair changes.")
    options.add_argument("--generation", type=int, default=2)
    options.add_argument("--catalogs", type=int, default=3000)
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "bootmend-benchmark")
    chosen = options.parse_args()
    machine = grown(chosen.folder, chosen.generation, chosen.catalogs)
    given = Given(Trust([machine.pem.read_bytes()]))
    show(f"generation {chosen.generation}, {machine.path.stat().st_size / (1 << 30):.0f} GiB, healthy", "diagnose")
    command(machine)  # compiles
    runs = [command(machine) for _ in range(chosen.runs)]
    wall, cpu, memory = (statistics.median(column) for column in zip(*runs, strict=True))
    show(f"seconds, whole process (median of {chosen.runs})", f"{wall:.2f}")
    show("seconds of processor time", f"{cpu:.2f}")
    show("peak memory, MiB", f"{memory / (1 << 20):.0f}")
    inside(machine, given)
    for fault in FAULTS:
        show(f"changed bytes: repair of {fault}", f"{repair_bytes(machine, given, fault):,}")
    for what, count in value_bytes(machine):
        show(what, f"{count:,}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
