"""Edits of a BCD store: set or delete one element of one object, and add an object."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from bootmend.findings import Action, EditTarget, HiveFile, Phase
from bootmend.formats.bcd import identifier


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreAction(Action):
    store: HiveFile
    object_id: UUID
    element: int
    name: str
    """The element by bcdedit's name."""

    @property
    def target(self) -> str:
        return f"{self.store.where} {identifier(self.object_id)} {self.name}"

    @property
    def phase(self) -> Phase:
        return Phase.SETTINGS


@dataclass(frozen=True, slots=True, kw_only=True)
class SetElement(StoreAction):
    """`type` and `data` as the hive holds them; `shown` as bcdedit would show them."""

    type: int
    data: bytes
    shown: str

    @property
    def kind(self) -> str:
        return "set_boot_element"

    @property
    def value(self) -> str:
        return self.shown

    def apply(self, machine: EditTarget) -> None:
        machine.set_element(self.store, self.object_id, self.element, self.type, self.data)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateObject(Action):
    """A new object without elements, such as the entry of a Windows; `type` as its Description will hold it."""

    store: HiveFile
    object_id: UUID
    type: int
    name: str
    """What it is to be, in a few words."""

    @property
    def kind(self) -> str:
        return "create_boot_object"

    @property
    def target(self) -> str:
        return f"{self.store.where} {identifier(self.object_id)}"

    @property
    def value(self) -> str:
        return self.name

    @property
    def phase(self) -> Phase:
        return Phase.SETTINGS

    def apply(self, machine: EditTarget) -> None:
        machine.create_object(self.store, self.object_id, self.type)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteElement(StoreAction):
    @property
    def kind(self) -> str:
        return "delete_boot_element"

    def apply(self, machine: EditTarget) -> None:
        machine.delete_element(self.store, self.object_id, self.element)
