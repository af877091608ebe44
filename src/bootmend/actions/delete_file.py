"""One name of a file is taken away; its undo gives back name, content, owner and place."""

from __future__ import annotations

from dataclasses import dataclass

from bootmend.findings import Action, EditTarget


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteFile(Action):
    volume: int
    path: str

    @property
    def kind(self) -> str:
        return "delete_file"

    @property
    def target(self) -> str:
        return f"volume {self.volume}:{self.path}"

    def apply(self, machine: EditTarget) -> None:
        machine.delete_file(self.volume, self.path)
