"""What is told of a machine when the work at it ends: as it should, by an error, or by Ctrl-C."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bootmend.cli.azure.session import stage_of
from bootmend.cli.note import note
from bootmend.errors import BootmendError, Refused
from bootmend.texts import say

if TYPE_CHECKING:
    from bootmend.clouds.azure.cloud import AzureCloud
    from bootmend.clouds.cloud import Machine, Thing
    from bootmend.clouds.run import Run, Store
    from bootmend.repair import Progress


@contextmanager
def naming_what_is_left(cloud: AzureCloud, run: Run, machine: Machine, broken_off: str) -> Iterator[None]:
    """Whatever ends the work, how the machine stands, what is left and what can be done about it is told.

    `broken_off` is the text of a work that can go on.
    """
    try:
        yield
    except BaseException as error:
        if isinstance(error, Refused) and run.stage.value == "done":
            raise  # before anything was begun
        ended = run.stage.value in ("back", "confirmed")
        note(stage_of(run) if ended else say(broken_off, name=run.name, run=run.id))
        try:
            there = cloud.find(machine.id)
            note(say("clouds.stands", name=run.name, power=there.power.value, disk=there.disk.rsplit("/", 1)[-1]))
            for thing in cloud.things(machine):
                note(say("clouds.kept", kind=thing.kind, role=thing.role, id=thing.id))
        except BootmendError:
            note(say("clouds.left_unknown", name=run.name, run=run.id))
        raise


def as_it_stands(cloud: AzureCloud, run: Run, machine: Machine, *, anew: bool) -> tuple[Machine, list[Thing]]:
    """Once all is done: that it cannot be asked then does not make it undone."""
    try:
        return cloud.find(machine.id) if anew else machine, cloud.things(machine)
    except BootmendError as error:
        note(say("clouds.left_unknown", name=run.name, run=run.id))
        note(str(error))
        return machine, []


def helper_cleared(cloud: AzureCloud, store: Store, run: Run, tell: Progress) -> None:
    """Whatever came of the work, it is told: a helper that stays is a sentence beside it."""
    from bootmend.clouds.azure.helper_choice import clear_helper

    try:
        clear_helper(cloud, store, run, tell)
    except BootmendError as error:
        note(say("clouds.helper_left", name=run.name, why=error))
