"""A file or folder gets another name in its folder, so that Windows no longer finds it and its owner still does."""

from __future__ import annotations

from dataclasses import dataclass

from bootmend.findings import Action, EditTarget


@dataclass(frozen=True, slots=True, kw_only=True)
class RenameFile(Action):
    volume: int
    path: str
    new_path: str

    @property
    def kind(self) -> str:
        return "rename_file"

    @property
    def target(self) -> str:
        return f"volume {self.volume}:{self.path}"

    @property
    def value(self) -> str:
        return self.new_path

    def apply(self, machine: EditTarget) -> None:
        machine.rename_file(self.volume, self.path, self.new_path)
