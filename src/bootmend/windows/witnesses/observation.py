"""One thing that was seen, when, and where it is written."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    STARTED = "started"
    """Windows came up as far as its event log service."""
    STOPPED = "stopped"
    """It was shut down properly."""
    TRIED = "tried"
    """A start was begun; how it ended is not said."""
    FAILED = "failed"
    """A start did not come through, by the word of what looked after it."""
    CRASHED = "crashed"
    UPDATED = "updated"
    DRIVER = "driver"
    """A driver was installed or changed."""
    REFUSED = "refused"
    """Code integrity found no hash of a file, or another one."""
    BLOCKED = "blocked"
    """Code integrity did not accept a file although its hash is known: revoked, or against a policy."""
    SERVICE = "service"
    """A driver or service did not start."""
    STORE = "store"
    """The component store or its transaction log is in trouble."""


@dataclass(frozen=True, slots=True)
class Observation:
    when: int | None
    """FILETIME; None where its time is not known."""
    kind: Kind
    what: str
    where: str
    """Address of the file, with the record or line where there is one."""
    subject: str = ""
    """File name of the driver or program that it is about, where it is about one."""
