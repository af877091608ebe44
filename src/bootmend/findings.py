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
from enum import Enum, IntEnum, StrEnum
from typing import Protocol
from uuid import UUID


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


class Station(IntEnum):
    """Where in the boot something bites: the boot passes them in this order and stops at the first that fails."""

    PARTITION_TABLE = 100
    SYSTEM_PARTITION = 200
    BOOT_MANAGER = 300
    BOOT_STORE = 400
    BOOT_LOADER = 500
    REGISTRY = 600
    KERNEL = 700
    BOOT_DRIVERS = 800
    BOOT_DEVICE = 850
    """The kernel mounts the volume it was loaded from."""
    SYSTEM_DRIVERS = 900
    SESSION = 1000
    """The session manager: pending file operations, page files, subsystems."""
    SERVICING = 1100
    AFTERWARDS = 1200
    """Nothing that keeps Windows from starting."""


class Screen(StrEnum):
    """What a person would see; the kinds of `screen --json` that a boot can end with."""

    STOP = "stop"
    """The kernel's blue screen."""
    BOOT_MANAGER = "boot_manager"
    """The boot manager's or the boot loader's own error page, with a status 0xC...."""
    BIOS = "bios"
    """White letters of the firmware or of a boot sector: no bootable device, BOOTMGR is missing."""
    RECOVERY = "recovery"
    STUCK = "stuck"


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

    stop: int | None
    """Bug check code, such as 0x5A; None where the boot ends before there is a kernel to stop."""
    name: str
    """The bug check's name, or the words on the screen."""
    status: int | None
    """NTSTATUS shown with it, such as 0xC0000428."""
    image: str | None
    """The file named on the screen."""
    confidence: Confidence
    why: str
    screen: Screen = Screen.STOP


@dataclass(frozen=True, slots=True)
class HiveFile:
    """Where a hive or a BCD store lies: the volume's number and the path there."""

    volume: int
    path: str

    @property
    def where(self) -> str:
        return f"volume {self.volume}:{self.path}"


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

    def rename_file(self, volume: int, path: str, new_path: str) -> None: ...

    def make_folder(self, volume: int, path: str) -> None: ...

    def read_disk(self, offset: int, length: int) -> bytes: ...

    def write_disk(self, offset: int, data: bytes) -> None: ...

    def set_value(self, hive: HiveFile, key: str, name: str, kind: int, data: bytes) -> None:
        """`kind` is the registry type; the key is made where it is missing."""

    def delete_value(self, hive: HiveFile, key: str, name: str) -> None: ...

    def copy_key(self, hive: HiveFile, key: str, new_key: str) -> None:
        """With everything below it. Raises Missing where there is no such key."""

    def delete_key(self, hive: HiveFile, key: str) -> None:
        """With everything below it."""

    def set_element(self, store: HiveFile, object_id: UUID, element: int, kind: int, data: bytes) -> None: ...

    def create_object(self, store: HiveFile, object_id: UUID, object_type: int) -> None:
        """An object of a boot store, without elements; one that is there stays as it is."""

    def delete_element(self, store: HiveFile, object_id: UUID, element: int) -> None: ...


class Phase(Enum):
    """The order in which a plan's actions run."""

    TABLE = 0
    """Partition table and boot sectors, before the volumes in them are looked for."""
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
    def source(self) -> str:
        """Where the new content comes from; empty where the action itself holds it."""
        return ""

    @property
    def value(self) -> str:
        """What the edit puts there, in words; empty where it is a file's content."""
        return ""

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
    prediction: Prediction | None = None
    """What Windows would do if this were the only thing wrong; None where it would start."""
    station: Station | None = None
    """Where in the boot it bites, if elsewhere than its rule says."""
    rank: int = 0
    """Its place among those that bite at the same station; the lower comes first."""

    @property
    def key(self) -> tuple[str, str]:
        """Two findings with the same key are the same finding seen at two times."""
        return (self.rule, self.subject.lower())
