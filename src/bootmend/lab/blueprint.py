"""A machine as words: which build it is, its services, boot files and packages. Text in, values out.

texts/*.txt -> Blueprint -> roster (which file stands where, who signs it) -> tree -> disk
"""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass
from functools import cached_property

from bootmend.errors import Misuse
from bootmend.lab import texts
from bootmend.texts import say

INBOX = "inbox"
"""The owner of everything that comes with Windows."""


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """A service as a line of services.txt says; numbers that are not there are None."""

    name: str
    type: int | None
    start: int | None = None
    error_control: int | None = None
    group: str = ""
    tag: int | None = None
    image: str = ""
    signing: str = ""
    """catalog, embedded, both; empty where another service's binary hosts it."""
    owner: str = INBOX
    package: str = ""


@dataclass(frozen=True, slots=True)
class FileRow:
    """A boot or core file outside the services."""

    path: str
    kind: str
    signing: str
    package: str
    description: str


@dataclass(frozen=True, slots=True)
class Build:
    """Which Windows the machine pretends to be."""

    number: int
    revision: int
    version: str
    product: str
    edition: str
    installation_type: str
    display_version: str
    release: str
    branch: str

    @property
    def newest(self) -> str:
        """The version of what the last update brought, such as 10.0.20348.2227."""
        return f"{self.family}.{self.number}.{self.revision}"

    @property
    def family(self) -> str:
        """10.0 for every Windows 10 and later; what component versions begin with."""
        return self.version


@dataclass(frozen=True)
class Blueprint:
    """All that the texts say, for one build and seed."""

    build: Build
    seed: int

    @cached_property
    def services(self) -> tuple[ServiceRow, ...]:
        return tuple(_service(row) for row in texts.rows("services"))

    @cached_property
    def files(self) -> tuple[FileRow, ...]:
        return tuple(FileRow(*row) for row in texts.rows("files"))

    @cached_property
    def packages(self) -> dict[str, str]:
        """Package name by its key in services.txt and files.txt."""
        return {row[0]: row[1] for row in texts.rows("packages")}

    def guid(self, what: str) -> uuid.UUID:
        """A GUID that depends on the seed and on what it is for, and on nothing else."""
        return uuid.UUID(int=self.random(what).getrandbits(128), version=4)

    def random(self, what: str) -> random.Random:
        return random.Random(f"{self.seed}/{what}")


def read_blueprint(build: str | None = None, seed: int = 1) -> Blueprint:
    """`build` is "number.revision", such as "17763.6659"; Windows Server 2022 (20348.2227) where it is None.

    Raises Misuse for a build that builds.txt does not know.
    """
    number, _, revision = (build or "20348.2227").partition(".")
    for row in texts.rows("builds"):
        if row[0] == number and (revision or "1").isdigit():
            return Blueprint(Build(int(number), int(revision or "1"), *row[1:]), seed)
    known = ", ".join(row[0] for row in texts.rows("builds"))
    raise Misuse(say("lab.unknown_build", build=build, known=known))


def _service(row: list[str]) -> ServiceRow:
    if len(row) == 1:
        return ServiceRow(row[0], None)
    name, kind, start, error, group, tag, image, signing, owner, package = row
    return ServiceRow(
        name, int(kind), int(start), int(error), group, int(tag) if tag else None, image, signing, owner, package
    )
