"""New content for an existing file, on the clusters it owns where it fits; hard links, owner and ACL stay."""

from __future__ import annotations

from dataclasses import dataclass

from bootmend.actions.content import Content
from bootmend.findings import Action, EditTarget


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceFile(Action):
    volume: int
    path: str
    content: Content

    @property
    def kind(self) -> str:
        return "replace_file"

    @property
    def target(self) -> str:
        return f"volume {self.volume}:{self.path}"

    @property
    def source(self) -> str:
        return self.content.where

    def apply(self, machine: EditTarget) -> None:
        machine.put_file(self.volume, self.path, self.content.load(machine))
