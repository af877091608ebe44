"""Creates a file that does not exist, with its missing folders; its owner and ACL are those of a sibling."""

from __future__ import annotations

from dataclasses import dataclass

from bootmend.actions.content import FileAction
from bootmend.errors import Refused
from bootmend.findings import EditTarget
from bootmend.texts import say


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateFile(FileAction):
    like: str = ""
    """An existing file of the same volume whose owner and ACL the new one gets."""

    @property
    def kind(self) -> str:
        return "create_file"

    def apply(self, machine: EditTarget) -> None:
        if machine.has_file(self.volume, self.path):
            raise Refused(say("actions.exists_already", target=self.target))
        parts = self.path.split("\\")[1:-1]
        for depth in range(1, len(parts) + 1):
            folder = "\\" + "\\".join(parts[:depth])
            if not machine.has_file(self.volume, folder):
                machine.make_folder(self.volume, folder)
        machine.create_file(self.volume, self.path, self.content.load(machine), self.like)
