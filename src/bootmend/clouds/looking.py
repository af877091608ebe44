"""A machine's disk for reading, whether or not it runs: a running one keeps running, and a snapshot of it is read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from bootmend.clouds.cloud import Cloud, Machine, Power
from bootmend.clouds.naming import LOOK, name_of, tags_of
from bootmend.clouds.run import Run, Stage, Store
from bootmend.clouds.way_back import end
from bootmend.disk.device import BlockDevice
from bootmend.errors import BootmendError
from bootmend.repair import Progress
from bootmend.texts import say


def needs_snapshot(machine: Machine) -> bool:
    return machine.power is not Power.OFF


@contextmanager
def looking(cloud: Cloud, store: Store, machine: Machine, tell: Progress) -> Iterator[BlockDevice]:
    """The snapshot goes when the block ends; a crash leaves a record of it, and the next command clears up."""
    run = Run.of(cloud.kind, machine, LOOK, {"in_place": not needs_snapshot(machine)})
    store.save(run)
    if not needs_snapshot(machine):
        try:
            with cloud.reading(machine.disk) as device:
                yield device
        except BaseException:
            with suppress(BootmendError):
                end(cloud, store, run, tell)
            raise
        run.stage = Stage.BACK
        store.save(run)
        return
    try:
        tell(say("clouds.backing_up", name=machine.name))
        name = name_of(machine.name, run.id, LOOK)
        run.backup = cloud.snapshot(machine.disk, name, tags_of(machine.id, run.id, LOOK))
        store.save(run)
        with cloud.reading(run.backup) as device:
            yield device
    finally:
        end(cloud, store, run, tell)
