"""Phony machines for tests: one healthy base of each generation, grown once; every test breaks an overlay of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from lab_folder import lab_folder

from bootmend.disk.container import open_disk
from bootmend.disk.overlay import Overlay
from bootmend.lab.faults import apply_fault
from bootmend.lab.machine import LabMachine, create
from bootmend.repair import donor_of
from bootmend.signing.roots import Trust
from bootmend.windows.donor import DiskDonor, Given

CATALOGS = 120
"""Enough for every package; a full store only takes longer."""


@cache
def base(generation: int, build: str | None = None) -> LabMachine:
    """A healthy machine of 127 GiB, made once a test process."""
    return create(
        lab_folder() / f"base-{generation}-{build}.vhd", generation=generation, catalogs=CATALOGS, build=build
    )


def trust(machine: LabMachine) -> Given:
    return Given(Trust([machine.pem.read_bytes()]))


@dataclass(frozen=True)
class Broken:
    """A broken machine: `disk` is a writable copy-on-write layer over the healthy one."""

    disk: Overlay
    given: Given
    truth: dict[str, Any]
    machine: LabMachine


@contextmanager
def broken(generation: int, fault: str) -> Iterator[Broken]:
    """A machine of that generation with that fault (or several, joined by +)."""
    machine = base(generation)
    with open_disk(str(machine.path)) as device:
        disk = Overlay(device)
        truth = apply_fault(disk, fault, machine.manifest)
        yield Broken(disk, trust(machine), truth, machine)


@contextmanager
def donor(machine: LabMachine, given: Given) -> Iterator[Given]:
    """The same trust, and that machine's disk as a donor."""
    with open_disk(str(machine.path)) as device:
        image, windows = donor_of(device, given)
        yield Given(given.trust, (DiskDonor(image, windows.volume, windows.path, windows.version.text),))
        image.close()
