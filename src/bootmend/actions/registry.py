"""Edits of a hive's keys and values: set or delete a value, copy or delete a key.

All edits of one hive in a plan are made on the desk together and written once, in place where they fit.
"""

from __future__ import annotations

from dataclasses import dataclass

from bootmend.findings import Action, EditTarget, HiveFile, Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryAction(Action):
    """An edit below one key of a hive; `key` is the path from the hive's root."""

    hive: HiveFile
    key: str

    @property
    def target(self) -> str:
        return f"{self.hive.where}\\{self.key}"

    @property
    def phase(self) -> Phase:
        return Phase.SETTINGS


@dataclass(frozen=True, slots=True, kw_only=True)
class SetValue(RegistryAction):
    name: str
    type: int
    data: bytes
    shown: str
    """The new data with its type, as a person would write it: REG_DWORD 0."""

    @property
    def kind(self) -> str:
        return "set_registry_value"

    @property
    def target(self) -> str:
        return f"{self.hive.where}\\{self.key}: {self.name}"

    @property
    def value(self) -> str:
        return self.shown

    def apply(self, machine: EditTarget) -> None:
        machine.set_value(self.hive, self.key, self.name, self.type, self.data)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteValue(RegistryAction):
    name: str

    @property
    def kind(self) -> str:
        return "delete_registry_value"

    @property
    def target(self) -> str:
        return f"{self.hive.where}\\{self.key}: {self.name}"

    def apply(self, machine: EditTarget) -> None:
        machine.delete_value(self.hive, self.key, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteKey(RegistryAction):
    """With everything below it."""

    @property
    def kind(self) -> str:
        return "delete_registry_key"

    def apply(self, machine: EditTarget) -> None:
        machine.delete_key(self.hive, self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyKey(RegistryAction):
    """`key` is made a copy of `pattern`, with everything below it."""

    pattern: str

    @property
    def kind(self) -> str:
        return "copy_registry_key"

    @property
    def source(self) -> str:
        return f"{self.hive.where}\\{self.pattern}"

    def apply(self, machine: EditTarget) -> None:
        machine.copy_key(self.hive, self.pattern, self.key)
