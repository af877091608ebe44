"""A virtual machine looked at, and its disk opened for reading: what `azure diagnose` and a dry run begin with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bootmend.cli.azure.session import ask, azure_cloud, refuse_barred, show_machine, telling
from bootmend.cli.note import note
from bootmend.texts import say

if TYPE_CHECKING:
    from bootmend.clouds.cloud import Machine, Sight
    from bootmend.disk.device import BlockDevice
    from bootmend.repair import Progress
    from bootmend.windows.donor import Given


@dataclass(frozen=True, slots=True)
class Opened:
    machine: Machine
    sight: Sight
    device: BlockDevice
    given: Given
    tell: Progress


@contextmanager
def opened(
    vm: str, cloud_of: tuple[str, str], trust: Sequence[Path], donor: Sequence[str], *, yes: bool, json: bool
) -> Iterator[Opened]:
    """Refused where its disk may not be read from here. `cloud_of`: resource group and subscription."""
    from bootmend.cli.output import console
    from bootmend.cli.session import given
    from bootmend.clouds.cloud import How
    from bootmend.clouds.looking import looking, needs_snapshot
    from bootmend.clouds.run import Store
    from bootmend.clouds.way_back import clear_looks

    cloud, store = azure_cloud(*cloud_of, vm), Store(tell=note)
    machine = cloud.find(vm)
    with store.alone(machine.id):
        clear_looks(cloud, store, machine.id)
        bars = cloud.obstacles(machine)
        refuse_barred(bars, How.READ)
        sight = cloud.look(machine.id)
        if not json:
            show_machine(console(), machine, sight, bars)
        if needs_snapshot(machine):
            ask(say("clouds.ask_look", name=machine.name), yes)
        with given(trust, donor) as what, telling(cloud) as tell, looking(cloud, store, machine, tell) as device:
            yield Opened(machine, sight, device, what, tell)
