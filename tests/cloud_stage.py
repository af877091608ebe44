"""A stage for tests of clouds: a small disk that boots when eight bytes of it are right, and a repair that knows them.

Whole Windows machines take seconds each to diagnose; what is tried here is the way through a cloud.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bootmend.clouds.cloud import Cloud
from bootmend.clouds.flow import Flow, begin
from bootmend.clouds.mending import Cause, Mended, Outcome
from bootmend.clouds.naming import REPAIRED, name_of, tags_of
from bootmend.clouds.run import Run, Store
from bootmend.clouds.watch import Patience
from bootmend.disk.device import Patch
from bootmend.repair import Progress

SIZE = 20 << 20
"""The least that an uploaded disk in Azure may be."""
PLACE = 3 << 20
GOOD, BAD, WRONG = b"GOODBOOT", b"BADBOOT!", b"WRONG-IT"


BOOT_ERROR = "Windows Boot Manager\r\nWindows failed to start.\r\n    File: \\Boot\\BCD\r\n    Status: 0xc000000f\r\n"


def make_disk(path: Path, words: bytes = BAD) -> Path:
    """Sparse, with something here and there."""
    with path.open("wb") as file:
        file.truncate(SIZE)
        for at in (0, 1 << 20, PLACE, SIZE - 4096):
            file.seek(at)
            file.write(hashlib.sha256(at.to_bytes(8, "big")).digest() * 64)
        file.seek(PLACE)
        file.write(words)
    return path


def boots(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(PLACE)
        return file.read(len(GOOD)) == GOOD


def content_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.sha256(file.read(SIZE)).hexdigest()


@dataclass
class Patching:
    """A way that puts eight bytes in place; with WRONG it is a wrong guess."""

    cloud: Cloud
    put: bytes = GOOD
    outcome: Outcome = Outcome.REPAIRED
    found: list[Cause] = field(default_factory=list)
    """What its check finds on the new disk."""
    fail: Callable[[], None] = lambda: None

    def mend(self, run: Run, tell: Progress) -> Mended:
        self.cloud.close_access(run.old_disk)
        with self.cloud.reading(run.old_disk) as device:
            sector = device.read(PLACE, 512)
            self.fail()
            if self.outcome is not Outcome.REPAIRED:
                return Mended(self.outcome, {"findings": []})
            patch = Patch(PLACE, sector, self.put + sector[len(self.put) :])
            tags = tags_of(run.machine, run.id, REPAIRED, run.old_disk)
            made = self.cloud.disk_with(name_of(run.name, run.id, REPAIRED), run.old_disk, [patch], tags)
        return Mended(Outcome.REPAIRED, {"findings": []}, made)

    def check(self, run: Run, tell: Progress) -> list[Cause]:
        self.cloud.close_access(run.new_disk)
        with self.cloud.reading(run.new_disk) as device:
            assert device.read(PLACE, len(self.put)) == self.put
        return self.found


HASTY = Patience(most=4.0, between=0.02, grace=0.05, settle=0.04)


def run_flow(cloud: Cloud, store: Store, name: str, way: Patching, patience: Patience = HASTY) -> Run:
    """A new run, or the one that was broken off, to its end."""
    machine = cloud.find(name)
    run = next((run for run in store.of_machine(cloud.kind, machine.id) if run.unfinished), None)
    if run is None:
        run = begin(cloud, store, machine, "direct", {"start": True})
    return Flow(cloud, store, run, way, patience).go()
