"""Working out a repair here, on a disk that is read from afar: what comes of it is a new disk or a reason."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from bootmend.clouds.cloud import Cloud
from bootmend.clouds.naming import REPAIRED, name_of, tags_of
from bootmend.clouds.run import Run
from bootmend.disk.device import BlockDevice, Patch
from bootmend.errors import DeviceError, Refused
from bootmend.repair import Progress, Proposal, diagnose, propose
from bootmend.reports import document
from bootmend.texts import say
from bootmend.windows.donor import Given

Cause = tuple[str, str]
"""Rule and subject, in lower case."""


class Outcome(StrEnum):
    REPAIRED = "repaired"
    """There is a new disk, on which the causes that could be mended are silent."""
    HEALTHY = "healthy"
    """Nothing was found that keeps this disk from booting."""
    NOTHING_POSSIBLE = "nothing_possible"
    """Causes were found, and none of them can be mended as asked."""


@dataclass(slots=True)
class Mended:
    outcome: Outcome
    document: dict[str, Any]
    """The JSON of `repair`."""
    disk: str = ""


class Way(Protocol):
    """How a repaired disk comes to be. Both may be called again after a crash: `mend` then begins anew."""

    def mend(self, run: Run, tell: Progress) -> Mended: ...

    def check(self, run: Run, tell: Progress, /) -> list[Cause]:
        """The causes on the new disk as it lies in the cloud, not as we think it was filled."""


@dataclass(slots=True)
class Asked:
    """What the user gave and allowed."""

    given: Given
    only: Collection[str] = ()
    accept: frozenset[str] = frozenset()


@dataclass(slots=True)
class Here:
    """Reads the disk by ranges, rehearses on an overlay, and lets the cloud fill a new disk."""

    cloud: Cloud
    asked: Asked
    show: Callable[[Proposal], None] = lambda _: None
    """Hears of what was found and planned before anything is made of it."""

    def mend(self, run: Run, tell: Progress) -> Mended:
        started = time.monotonic()
        with self._reading(run) as device:
            proposal = propose(device, self.asked.given, only=self.asked.only, accept=self.asked.accept, progress=tell)
            try:
                self.show(proposal)
                refuse_new_trouble(proposal)
                made = ""
                patches: list[Patch] = []
                if proposal.worth_doing and proposal.rehearsal is not None:
                    patches = list(proposal.rehearsal.overlay.patches())
                    tell(say("clouds.filling", changed=sum(len(patch.after) for patch in patches)))
                    name = name_of(run.name, run.id, REPAIRED)
                    tags = tags_of(run.machine, run.id, REPAIRED, run.old_disk)
                    made = self.cloud.disk_with(name, run.old_disk, patches, tags)
                told = document.repair(device, proposal, None, time.monotonic() - started)
            finally:
                proposal.diagnosis.image.close()
        if not made:
            healthy = proposal.diagnosis.healthy
            return Mended(Outcome.HEALTHY if healthy else Outcome.NOTHING_POSSIBLE, told)
        tell(say("clouds.reading_back"))
        with self.cloud.reading(made) as device:
            require(device, patches)
        return Mended(Outcome.REPAIRED, told, made)

    def check(self, run: Run, tell: Progress, /) -> list[Cause]:
        self.cloud.close_access(run.new_disk)
        with self.cloud.reading(run.new_disk) as device:
            found = diagnose(device, self.asked.given, progress=tell)
            found.image.close()
        return [finding.key for finding in found.causes]

    def _reading(self, run: Run) -> AbstractContextManager[BlockDevice]:
        self.cloud.close_access(run.old_disk)
        return self.cloud.reading(run.old_disk)


def refuse_new_trouble(proposal: Proposal) -> None:
    """Refused where the rehearsed disk shows something that was not there before."""
    rehearsal = proposal.rehearsal
    if rehearsal is not None and rehearsal.new:
        titles = " ".join(finding.title for finding in rehearsal.new)
        raise Refused(say("cli.new_trouble", titles=titles), say("cli.new_trouble_next"))


def require(device: BlockDevice, patches: Sequence[Patch]) -> None:
    """DeviceError where the new disk does not hold what was written to it."""
    for patch in patches:
        if device.read(patch.offset, len(patch.after)) != patch.after:
            raise DeviceError(say("clouds.reads_otherwise", disk=device.name, offset=f"{patch.offset:#x}"))
