"""Rules against faults: what speaks, and how loud, on a machine with each fault of the lab.

    python benchmarks/confusion.py [--generation 1] [--generation 2] [--severity risk]

A row a fault, a column a rule that spoke at all: C cause, r risk, n note; what stands where the fault's own rule
should be alone is listed below the table with the finding's title, for a person to explain.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from bootmend.disk.container import open_disk
from bootmend.disk.overlay import Overlay
from bootmend.errors import BootmendError
from bootmend.findings import Finding, Severity
from bootmend.lab.faults import Fault, apply_fault, faults
from bootmend.lab.machine import LabMachine, create
from bootmend.repair import diagnose
from bootmend.signing.roots import Trust
from bootmend.windows.donor import Given

LETTER = {Severity.CAUSE: "C", Severity.RISK: "r", Severity.NOTE: "n"}


def spoken(machine: LabMachine, fault: Fault) -> list[Finding] | str:
    """What is found on the machine with that fault, or why nothing can be."""
    with open_disk(str(machine.path)) as device:
        disk = Overlay(device)
        apply_fault(disk, fault.name, machine.manifest)
        try:
            found = diagnose(disk, Given(Trust([machine.pem.read_bytes()])))
        except BootmendError as error:
            return str(error)
        found.image.close()
        return found.findings


def row_of(findings: list[Finding]) -> dict[str, Severity]:
    """The loudest word of each rule."""
    order = list(Severity)
    row: dict[str, Severity] = {}
    for one in findings:
        known = row.get(one.rule)
        if known is None or order.index(one.severity) < order.index(known):
            row[one.rule] = one.severity
    return row


def table(rows: dict[str, dict[str, Severity]]) -> None:
    """Columns are numbered, so that the table stays narrow; their names follow."""
    rules = list(dict.fromkeys(rule for row in rows.values() for rule in row))
    out = sys.stdout.write
    width = max((len(name) for name in rows), default=0) + 2
    out(" " * width + " ".join(f"{number:>2}" for number in range(1, len(rules) + 1)) + "\n")
    for name, row in rows.items():
        cells = (LETTER[row[rule]] if rule in row else "." for rule in rules)
        out(f"{name:{width}}" + " ".join(f"{cell:>2}" for cell in cells) + "\n")
    for number, rule in enumerate(rules, 1):
        out(f"{number:>3} {rule}\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generation", type=int, choices=(1, 2), action="append")
    parser.add_argument("--catalogs", type=int, default=120)
    parser.add_argument(
        "--severity", choices=[one.value for one in Severity], default="note", help="leave out what is less"
    )
    chosen = parser.parse_args()
    order = list(Severity)
    least = order.index(Severity(chosen.severity))
    strange = 0
    with tempfile.TemporaryDirectory(prefix="bootmend-confusion-") as folder:
        for generation in chosen.generation or (1, 2):
            machine = create(Path(folder) / f"{generation}.vhd", generation=generation, catalogs=chosen.catalogs)
            rows: dict[str, dict[str, Severity]] = {}
            off: list[str] = []
            for fault in faults():
                if generation not in fault.generations:
                    continue
                found = spoken(machine, fault)
                if isinstance(found, str):
                    rows[fault.name] = {}
                    off.append(f"{fault.name}: no diagnosis: {found}")
                    continue
                heard = [one for one in found if order.index(one.severity) <= least]
                rows[fault.name] = row_of(heard)
                off.extend(
                    f"{fault.name}: {one.rule} {one.subject}: {one.title}" for one in heard if one.rule != fault.expect
                )
                silent = fault.expect is not None and fault.expect not in rows[fault.name]
                if silent and order.index(Severity(fault.severity)) <= least:
                    off.append(f"{fault.name}: {fault.expect} did not speak")
            sys.stdout.write(f"\ngeneration {generation}\n")
            table(rows)
            sys.stdout.write("off the diagonal:" + (" nothing\n" if not off else "\n"))
            sys.stdout.writelines(f"  {line}\n" for line in off)
            strange += len(off)
    sys.stdout.write(f"\noff the diagonal in all: {strange}\n")


if __name__ == "__main__":
    main()
