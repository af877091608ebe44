"""Bytes of the disk itself: a partition table or a boot sector, which belong to no file."""

from __future__ import annotations

from dataclasses import dataclass

from bootmend.errors import Refused
from bootmend.findings import Action, EditTarget, Phase
from bootmend.texts import say


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteSectors(Action):
    """`before` must still stand at `offset` (bytes from the disk's start), else nothing is written."""

    offset: int
    before: bytes
    after: bytes
    what: str
    """The structure that these bytes are, in a few words."""
    taken_from: str = ""

    @property
    def kind(self) -> str:
        return "write_sectors"

    @property
    def target(self) -> str:
        return f"disk at {self.offset:#x}: {self.what}"

    @property
    def source(self) -> str:
        return self.taken_from

    @property
    def phase(self) -> Phase:
        return Phase.TABLE

    def apply(self, machine: EditTarget) -> None:
        if machine.read_disk(self.offset, len(self.before)) != self.before:
            raise Refused(say("actions.sectors_changed", target=self.target))
        machine.write_disk(self.offset, self.after)
