"""Edits of whole files, and where their new bytes come from.

Another file of the same disk, or bytes at hand from elsewhere (a donor, a decompressed backup).
"""

from __future__ import annotations

from dataclasses import dataclass

from bootmend.findings import Action, EditTarget


@dataclass(frozen=True, slots=True)
class OnDisk:
    """A file of the disk itself, read when the action is applied."""

    volume: int
    path: str

    @property
    def where(self) -> str:
        return f"volume {self.volume}:{self.path}"

    def load(self, machine: EditTarget) -> bytes:
        return machine.read_file(self.volume, self.path)


@dataclass(frozen=True, slots=True)
class AtHand:
    """Bytes from beside the disk (a donor), or worked out from it (decompressed); `where` says from what."""

    where: str
    data: bytes

    def load(self, machine: EditTarget) -> bytes:  # noqa: ARG002 - the other source needs the machine
        return self.data


Content = OnDisk | AtHand


@dataclass(frozen=True, slots=True, kw_only=True)
class FileAction(Action):
    """An edit that gives one file of a volume a new content."""

    volume: int
    path: str
    content: Content

    @property
    def target(self) -> str:
        return f"volume {self.volume}:{self.path}"

    @property
    def source(self) -> str:
        return self.content.where
