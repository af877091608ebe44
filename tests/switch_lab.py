"""Machines for the tests of the switches: a lab machine's disk, its store or hive exchanged for a real one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from lab_machines import base
from sample_data import data_folder, need

from bootmend.commit import HistoryEntry
from bootmend.disk.container import open_disk
from bootmend.disk.overlay import Overlay
from bootmend.edit import Edit
from bootmend.formats.hive import Hive, Key, recover
from bootmend.lab.blueprint import read_blueprint
from bootmend.lab.layout import lay_out
from bootmend.lab.machine import DEFAULT_SIZE
from bootmend.lab.store import boot_store
from bootmend.switches import SWITCHES, Layers, Machine, captured_to_json, place_to_json, turn_off, turn_on
from bootmend.switches.turn_off import TurnedOff
from bootmend.switches.turn_on import TurnedOn
from bootmend.windows.image import Image

SYSTEM = "\\Windows\\System32\\config\\SYSTEM"
VARIANTS = [(switch.name, variant) for switch in SWITCHES.values() for variant in switch.variants]

Contents = dict[str, Any]


def installed_stores() -> list[str]:
    """The data's stores of installed machines."""
    folder = data_folder()
    found = sorted(path.name for path in (folder / "bcd").iterdir()) if folder is not None else []
    return [name for name in found if name.startswith(("bios-", "uefi-"))]


def generation_of(store: str) -> int:
    return 1 if store.startswith("bios-") else 2


@cache
def real_store(name: str) -> bytes:
    """A real store, brought up to date and made to name the lab's partitions."""
    folder = need(f"bcd/{name}")
    logs = {path.suffix[1:]: path.read_bytes() for path in folder.glob("BCD.LOG*")}
    data = recover((folder / "BCD").read_bytes(), logs, name).data
    blueprint = read_blueprint(None, 1)
    return boot_store(blueprint, lay_out(blueprint, generation_of(name), DEFAULT_SIZE), data)


@contextmanager
def lab_disk(generation: int, *, store: bytes | None = None, system: bytes | None = None) -> Iterator[Overlay]:
    """The healthy machine of that generation on an overlay, with another store or SYSTEM hive."""
    machine = base(generation)
    manifest = machine.manifest
    with open_disk(str(machine.path)) as device:
        disk = Overlay(device)
        image = Image(disk)
        if store is not None:
            image.put_file(manifest.system_partition, manifest.store, store)
        if system is not None:
            image.put_file(manifest.windows_partition, SYSTEM, system)
        image.close()
        yield disk


class Bench:
    """One disk, its switches turned as the commands turn them, each time on a new overlay; its journals' meta."""

    def __init__(self, disk: Overlay, generation: int, accept: frozenset[str] = frozenset()) -> None:
        self.disk = disk
        self.accept = accept
        self.manifest = base(generation).manifest
        self.history: list[HistoryEntry] = []

    def on(self, *wanted: tuple[str, str]) -> list[TurnedOn]:
        edit = Edit(self.disk, self.accept)
        turned = turn_on(
            Machine(edit.windows, edit.desk), {SWITCHES[name]: variant for name, variant in wanted}, self.layers
        )
        self._commit(edit, {"captured": captured_to_json({one.switch.name: one.captured for one in turned})})
        return turned

    def off(self, *names: str, force: bool = False) -> list[TurnedOff]:
        edit, layers = Edit(self.disk, self.accept), self.layers
        machine = Machine(edit.windows, edit.desk)
        turned = [turn_off(machine, SWITCHES[name], layers.held_by(name), layers, force=force) for name in names]
        disabled = {
            one.switch.name: {
                "back": [place_to_json(place) for place in one.back],
                "left": [place_to_json(place) for place in one.left],
            }
            for one in turned
        }
        self._commit(edit, {"disabled": disabled})
        return turned

    @property
    def layers(self) -> Layers:
        return Layers.of(self.history, {})

    @property
    def machine(self) -> Machine:
        """To look at; nothing that is written on it counts."""
        edit = Edit(Overlay(self.disk))
        return Machine(edit.windows, edit.desk)

    def change(self, edit: Edit) -> None:
        """Somebody else's edit, committed without a word in the history."""
        self._commit(edit, {})

    def store(self) -> Contents:
        return contents(self._file(self.manifest.system_partition, self.manifest.store))

    def system(self) -> Contents:
        return contents(self._file(self.manifest.windows_partition, SYSTEM))

    def _file(self, volume: int, path: str) -> bytes:
        image = Image(self.disk)
        data = image.read_file(volume, path)
        image.close()
        return data

    def _commit(self, edit: Edit, meta: dict[str, Any]) -> None:
        edit.settle()
        for patch in edit.overlay.patches():
            self.disk.write(patch.offset, patch.after)
        number = len(self.history)
        entry = HistoryEntry(Path(f"{number:06}.journal"), datetime.now(UTC), "committed", 1, 1, meta, {})
        self.history.append(entry)


def contents(hive: bytes) -> Contents:
    """Every key by its path in lower case: its name, and name, type and raw data of every value."""
    found: Contents = {}
    pending: list[Key] = [Hive.parse(hive, "hive").root]
    while pending:
        key = pending.pop()
        found[key.path.lower()] = (key.name, sorted((value.name, value.type, value.data) for value in key.values()))
        pending += key.subkeys()
    return found
