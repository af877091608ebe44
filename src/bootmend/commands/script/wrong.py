"""What a script does, line by line, and what is wrong with it: values for whoever shows them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from bootmend.errors import BootmendError, Refused


class Cure(Enum):
    MEANT = "meant"
    """It is certain what was meant, and that is what `--fix` runs."""
    SKIP = "skip"
    """Nothing can be meant on this disk; `--fix` leaves the line out."""
    NONE = "none"
    """Only a person can say."""


class LeftOut(BootmendError):
    """Nothing that this line could mean is there on this disk, or would do anything."""

    exit_code = Refused.exit_code

    def __init__(self, reason: str, exit_code: int = Refused.exit_code) -> None:
        super().__init__(reason)
        self.exit_code = exit_code


@dataclass(frozen=True, slots=True)
class Wrong:
    number: int
    text: str
    """The line as it stands in the script."""
    what: tuple[str, ...]
    """What is wrong with it, a sentence each."""
    meant: str
    """The line that was probably meant; empty where none is known."""
    cure: Cure
    exit_code: int
    """Of the error it would be on its own: 2 wrong words, 3 refused, 4 not there."""


@dataclass(frozen=True, slots=True)
class Done:
    number: int
    text: str
    """The line as it was run."""
    effects: tuple[str, ...]


@dataclass(slots=True)
class Outcome:
    letter: str
    """The drive letter that is the disk."""
    done: list[Done] = field(default_factory=list)
    wrong: list[Wrong] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    cut_short: bool = False
    """More lines were wrong than are worth a list; the rest was not looked at."""

    def blocking(self, fix: bool) -> list[Wrong]:
        """The wrong lines that keep the script from being run."""
        return [one for one in self.wrong if not fix or one.cure is Cure.NONE]
