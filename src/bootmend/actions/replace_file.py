"""New content for an existing file, on the clusters it owns where it fits; hard links, owner and ACL stay."""

from __future__ import annotations

from dataclasses import dataclass

from bootmend.actions.content import FileAction
from bootmend.findings import EditTarget


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceFile(FileAction):
    @property
    def kind(self) -> str:
        return "replace_file"

    def apply(self, machine: EditTarget) -> None:
        machine.put_file(self.volume, self.path, self.content.load(machine))
