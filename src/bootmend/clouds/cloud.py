"""The contract of a cloud: what the flow asks of a place where machines run; tests/contracts/cloud.py holds it.

    find ─ Machine      look ─ Sight       obstacles ─ Obstacle     what is known, before anything is changed
    snapshot   disk_with   ─ Thing         what is made: named and tagged, so that a crash can be cleared up
    stop   start   swap   remove           what is changed: each looks first, so doing it again changes nothing

A second cloud is one folder beside this file. Ids are the cloud's own words and mean nothing to the flow.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bootmend.disk.device import BlockDevice, Patch


class Power(StrEnum):
    RUNNING = "running"
    OFF = "off"
    """Nothing runs from the disk and nobody holds it; in Azure: deallocated."""
    HALTED = "halted"
    """Shut down from inside; the place it ran in, and its disk, are still held."""
    MOVING = "moving"
    """Starting."""
    STOPPING = "stopping"
    """On its way to being off."""
    UNKNOWN = "unknown"


class How(StrEnum):
    """From where a disk is worked on."""

    DIRECT = "direct"
    """Here: the disk is read by ranges, and a new one is filled by the cloud itself."""
    HELPER = "helper"
    """On a small Linux machine beside the disk."""
    READ = "read"
    """Nothing is repaired: the disk, or a snapshot of it, is only read from here."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine as one look found it."""

    id: str
    name: str
    place: str
    """Region and zone, or the folder: a repaired disk has to be in the same one."""
    power: Power
    disk: str
    """Id of the disk it boots from."""
    changed: str = field(default="", compare=False)
    """A mark that differs once it was started, stopped or changed otherwise; empty where nobody can tell."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What a machine shows of itself; None is what nobody could tell, never good news."""

    power: Power
    agent: str | None = None
    """What its agent says of itself: "Ready" and nothing else is good."""
    agent_when: datetime | None = None
    """When the agent last said so."""
    screen: bytes | None = None
    """The picture of its screen (PNG)."""
    screen_when: str | None = None
    """A mark that differs for two pictures, such as the time it was taken."""
    serial: str | None = None
    """The serial console's log, or its end."""
    serial_size: int | None = None
    """Bytes of the whole log in UTF-8, where `serial` is its end only."""
    unseen: tuple[str, ...] = ()
    """Why something could not be seen, a sentence each."""
    changed: datetime | None = None
    """When the last change of the machine, such as its start, ended, by the clock that `agent_when` is of."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why this machine cannot be repaired that way; `next_step` says what to do instead."""

    told: str
    next_step: str
    ways: frozenset[How] = frozenset(How)
    """The ways that it bars."""


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that a run made and that costs while it is there."""

    id: str
    kind: str
    """disk, snapshot, machine, ..."""
    run: str
    role: str
    """backup, repaired, helper, ..."""
    old_disk: str = ""
    """The disk that it stands in for."""
    marks: Mapping[str, str] = field(default_factory=dict)
    """The other tags on it (naming.py): what only the record of its run would tell else."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A machine in a list, and what it says of itself."""

    machine: Machine
    agent: str | None


class Cloud(ABC):
    """Raises Missing for a name that is not there, Refused where something is not allowed or not safe."""

    kind: str
    """azure, local: the word in a run's record."""

    @abstractmethod
    def find(self, name: str) -> Machine:
        """The machine of that name or id, as it is now."""

    @abstractmethod
    def machines(self) -> Iterator[Listed]: ...

    @abstractmethod
    def look(self, machine: str) -> Sight:
        """What it shows now; takes as long as the cloud's limit of looks asks for."""

    @abstractmethod
    def obstacles(self, machine: Machine) -> list[Obstacle]: ...

    @abstractmethod
    def costs(self, machine: Machine, how: How) -> list[str]:
        """What a repair would make that costs, a line each."""

    @abstractmethod
    def stop(self, machine: str) -> None:
        """Returns when nothing runs from its disk and the disk can be read."""

    @abstractmethod
    def start(self, machine: str) -> None:
        """Returns when it was started, whether or not its system boots."""

    @abstractmethod
    def snapshot(self, disk: str, name: str, tags: Mapping[str, str]) -> str:
        """Id of the snapshot of that name, made if it is not there."""

    @abstractmethod
    def reading(self, disk: str) -> AbstractContextManager[BlockDevice]:
        """A disk or a snapshot, readable until the block ends, whatever ends it."""

    @abstractmethod
    def disk_with(self, name: str, source: str, patches: Iterable[Patch], tags: Mapping[str, str]) -> str:
        """Id of a new disk that is `source` with `patches` over it; one of that name that is there is made anew.

        `source` must be open for reading (`reading`) meanwhile.
        """

    @abstractmethod
    def has_disk(self, disk: str) -> bool:
        """It is still there."""

    @abstractmethod
    def disk_moved(self, disk: str) -> str:
        """A mark that differs once a machine was started or stopped with it; empty where nobody can tell."""

    @abstractmethod
    def swap(self, machine: str, disk: str) -> None:
        """Lets a machine that is off boot from `disk`."""

    @abstractmethod
    def close_access(self, disk: str) -> None:
        """Ends reading and writing of `disk` that a crash left open; no such disk is fine."""

    @abstractmethod
    def things(self, machine: Machine) -> list[Thing]:
        """What runs have made for this machine and is still there."""

    @abstractmethod
    def remove(self, thing: str) -> None:
        """Deletes what a run made; gone already is fine. Refused for a disk that a machine boots from."""
