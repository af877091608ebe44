"""The nouns of bootmend, pure values.

    Evidence ──┐
    Action   ──┼── Finding ── (rule, severity, subject) ──┐
    Skipped  ──┘                                          ├── Result (repair.py)
    Prediction ───────────────────────────────────────────┘

A rule makes Findings; a Finding carries where it was seen (Evidence, each with an address
that anyone can look up), what would mend it (Actions: edits as values) and what would, but
cannot be done (Skipped, with the reason). What Windows will do is never a finding: it is a
Prediction, labelled as one, with its own evidence.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Protocol


class Severity(StrEnum):
    CAUSE = "cause"
    """Keeps the machine from booting."""
    RISK = "risk"
    """Does not stop this boot, but may stop another or weakens the machine."""
    NOTE = "note"


class Safety(StrEnum):
    SAFE = "safe"
    """Puts back what belongs there; cannot make things worse."""
    RISKY = "risky"
    """May change what the owner wants kept: runs only with `--accept <risk>` or after a question."""


class Confidence(StrEnum):
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class Evidence:
    """`what` was seen at `where`: a volume and path, a hive key, a byte offset."""

    where: str
    what: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """`action` would help but is not proposed or not done; `reason` says why and what to do instead."""

    action: str
    reason: str


@dataclass(frozen=True, slots=True)
class Prediction:
    """What Windows will probably do at the next boot. Never a finding."""

    stop: int
    """Bug check code, such as 0x5A."""
    name: str
    status: int | None
    """NTSTATUS shown with it, such as 0xC0000428."""
    image: str | None
    confidence: Confidence
    why: str


class EditTarget(Protocol):
    """What an action may touch: files of the machine's volumes, by volume number and path.

    Offsets in bytes. `put_file` rewrites an existing file on the clusters it owns wherever the
    new content fits (in place first), else replaces it through the file system's engine.
    """

    def read_file(self, volume: int, path: str) -> bytes: ...

    def has_file(self, volume: int, path: str) -> bool: ...

    def put_file(self, volume: int, path: str, data: bytes) -> None: ...

    def create_file(self, volume: int, path: str, data: bytes, like: str = "") -> None: ...

    def delete_file(self, volume: int, path: str) -> None: ...

    def make_folder(self, volume: int, path: str) -> None: ...


class Phase(Enum):
    """The order in which a plan's actions run."""

    REPLAY = 1
    """Hives are brought up to date before anything reads or edits them."""
    FILES = 2
    SETTINGS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Action(ABC):
    """One edit as a value: rules build it, people read it, `apply` does it on a rehearsed copy."""

    safety: Safety = Safety.SAFE
    risk: str = ""
    """The word for `--accept`, where `safety` is RISKY."""

    @property
    @abstractmethod
    def kind(self) -> str:
        """create_file, replace_file, replay_hive, set_registry_value, ..."""

    @property
    @abstractmethod
    def target(self) -> str:
        """What changes: an address a person can look up."""

    @property
    @abstractmethod
    def source(self) -> str:
        """Where the new content comes from; empty where the action itself holds it."""

    @property
    def phase(self) -> Phase:
        return Phase.FILES

    @abstractmethod
    def apply(self, machine: EditTarget) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong, with its evidence and what can be done."""

    rule: str
    severity: Severity
    subject: str
    title: str
    why: str
    evidence: tuple[Evidence, ...] = ()
    actions: tuple[Action, ...] = ()
    skipped: tuple[Skipped, ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        """Two findings with the same key are the same finding seen at two times."""
        return (self.rule, self.subject.lower())
