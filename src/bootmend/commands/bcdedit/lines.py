"""What a line of bcdedit asks for, as values; parse.py makes them of words.

    Line ── command ──> Enumerate, ShowSettings, Help                    read
                        Set, DeleteValue, Switch, EmsSettings,
                        DebuggerSettings, Timeout, Order, Default        change settings
                        Create, Copy, Delete                             change entries
                        Export, Import                                   the whole store, and a file of this machine

A `target` is an identifier as it was typed (`{default}`); None where the line names none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias


class Place(Enum):
    """What to do with the identifiers of a list that is there already."""

    FIRST = "/addfirst"
    LAST = "/addlast"
    REMOVE = "/remove"


@dataclass(frozen=True, slots=True)
class Enumerate:
    """`what` is a type of entries (active, osloader, all, ...) or an identifier in braces."""

    what: str = "active"
    full: bool = False
    """`/v`: identifiers as GUIDs."""


@dataclass(frozen=True, slots=True)
class ShowSettings:
    """`/dbgsettings`, `/emssettings` or `/hypervisorsettings` without anything to set."""

    target: str


@dataclass(frozen=True, slots=True)
class Help:
    pass


@dataclass(frozen=True, slots=True)
class Set:
    target: str | None
    element: str
    words: tuple[str, ...]
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class DeleteValue:
    target: str | None
    element: str


@dataclass(frozen=True, slots=True)
class Switch:
    """`/ems`, `/bootems`, `/debug`, `/bootdebug` or `/event`: one boolean element of one entry."""

    element: str
    target: str | None
    on: bool


@dataclass(frozen=True, slots=True)
class EmsSettings:
    """`port` None: the firmware's own settings (BIOS)."""

    port: int | None = None
    baud_rate: int | None = None


@dataclass(frozen=True, slots=True)
class DebuggerSettings:
    """Elements of {dbgsettings} or {hypervisorsettings} with the words for their values."""

    target: str
    elements: dict[str, str] = field(default_factory=dict)
    new_key: str = ""
    """The key made for the network debugger, to be shown; empty where one was given or none is needed."""


@dataclass(frozen=True, slots=True)
class Timeout:
    seconds: int


@dataclass(frozen=True, slots=True)
class Default:
    target: str


@dataclass(frozen=True, slots=True)
class Order:
    """A list of the boot manager: displayorder, bootsequence, toolsdisplayorder."""

    element: str
    targets: tuple[str, ...]
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Create:
    target: str | None
    object_type: int
    description: str | None


@dataclass(frozen=True, slots=True)
class Copy:
    target: str
    description: str


@dataclass(frozen=True, slots=True)
class Delete:
    target: str
    force: bool = False
    cleanup: bool = True


@dataclass(frozen=True, slots=True)
class Export:
    file: str


@dataclass(frozen=True, slots=True)
class Import:
    file: str


Reading: TypeAlias = Enumerate | ShowSettings | Help | Export
Settings: TypeAlias = Set | DeleteValue | Switch | EmsSettings | DebuggerSettings | Timeout | Default | Order
Entries: TypeAlias = Create | Copy | Delete
Command: TypeAlias = Reading | Settings | Entries | Import


@dataclass(frozen=True, slots=True)
class Line:
    command: Command
    store: str = ""
    """What `/store` named; empty: the store that the machine boots from."""

    @property
    def reads_only(self) -> bool:
        """It changes nothing on the disk."""
        return isinstance(self.command, Reading)
