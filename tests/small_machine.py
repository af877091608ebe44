"""Small lab machines for tests: made once a run, and broken on overlays of their disk.

machine = small_machine(generation=2)
with broken(machine, "driver-damaged+crashed") as (device, truth): ...
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from lab_folder import lab_folder

from bootmend.disk.container import open_disk
from bootmend.disk.overlay import Overlay
from bootmend.lab.authority import LabAuthority
from bootmend.lab.faults import apply_fault
from bootmend.lab.machine import LabMachine, create

SIZE = 2 << 30
CATALOGS = 60


@cache
def lab_authority() -> LabAuthority:
    return LabAuthority.ephemeral("tests")


def small_machine(generation: int = 2, build: str | None = None) -> LabMachine:
    """A healthy machine of 2 GiB with few filler catalogs; never write to it."""
    return _made(generation, build)


@cache
def _made(generation: int, build: str | None) -> LabMachine:
    path = lab_folder() / f"generation-{generation}-{build or 'usual'}.raw"
    return create(
        path,
        generation=generation,
        size=SIZE,
        container="raw",
        catalogs=CATALOGS,
        build=build,
        authority=lab_authority(),
    )


@contextmanager
def broken(machine: LabMachine, fault: str) -> Iterator[tuple[Overlay, dict[str, Any]]]:
    """An overlay of the machine's disk with the fault applied, and what the fault says it did."""
    with open_disk(str(machine.path)) as disk:
        overlay = Overlay(disk)
        try:
            yield overlay, apply_fault(overlay, fault, machine.manifest)
        finally:
            overlay.close()
