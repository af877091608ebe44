"""A machine's disk for reading, whether or not it runs: a running one keeps running, and a snapshot of it is read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bootmend.clouds.cloud import Cloud, Machine, Power
from bootmend.clouds.flow import clear_up
from bootmend.clouds.naming import LOOK, name_of, tags_of
from bootmend.clouds.run import Run, Stage, Store
from bootmend.disk.device import BlockDevice
from bootmend.repair import Progress
from bootmend.texts import say


def needs_snapshot(machine: Machine) -> bool:
    return machine.power is not Power.OFF


@contextmanager
def looking(cloud: Cloud, store: Store, machine: Machine, tell: Progress) -> Iterator[BlockDevice]:
    """The snapshot goes when the block ends; a crash leaves a record of it, and the next run clears up."""
    if not needs_snapshot(machine):
        with cloud.reading(machine.disk) as device:
            yield device
        return
    run = Run.of(cloud.kind, machine, LOOK, {})
    store.save(run)
    try:
        tell(say("clouds.backing_up", name=machine.name))
        name = name_of(machine.name, run.id, LOOK)
        run.backup = cloud.snapshot(machine.disk, name, tags_of(machine.id, run.id, LOOK))
        store.save(run)
        with cloud.reading(run.backup) as device:
            yield device
    finally:
        end_look(cloud, store, run, tell)


def end_look(cloud: Cloud, store: Store, run: Run, tell: Progress) -> None:
    clear_up(cloud, run, tell)
    run.stage = Stage.BACK
    store.save(run)
