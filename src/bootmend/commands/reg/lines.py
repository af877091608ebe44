"""What a line of reg.exe asks for, as a value."""

from __future__ import annotations

from dataclasses import dataclass

from bootmend.commands.reg import data
from bootmend.commands.reg.names import KeyName


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    key: KeyName
    name: str | None = None
    """Only the value of this name; "" is the default value."""
    recurse: bool = False
    type: int | None = None
    pattern: str | None = None
    """What /f looks for; None: this is no search."""
    in_keys: bool = True
    in_names: bool = True
    in_data: bool = True
    case: bool = False
    exact: bool = False
    numbers: bool = False
    separator: str = data.SEPARATOR


@dataclass(frozen=True, slots=True, kw_only=True)
class Add:
    key: KeyName
    name: str
    type: int
    data: bytes
    force: bool = False
    literal: str = ""
    """The word after /d where it holds a %variable%, which stays as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    key: KeyName
    name: str | None = None
    """The value to delete; None: the whole key, or all its values."""
    values: bool = False
    """All values of the key (/va)."""
    force: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    source: KeyName
    target: KeyName
    recurse: bool = False
    force: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    key: KeyName
    file: str
    overwrite: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Save:
    """A key with all below it as a hive file."""

    key: KeyName
    file: str
    overwrite: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Compare:
    first: KeyName
    second: KeyName
    name: str | None = None
    """Only the value of this name; "" is the default value."""
    recurse: bool = False
    same: bool = False
    different: bool = True
    """What is printed of what is the same, and of what differs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    key: KeyName
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unload:
    key: KeyName


@dataclass(frozen=True, slots=True, kw_only=True)
class Help:
    """`reg /?` or `reg add /?`."""


Command = Query | Add | Delete | Copy | Compare | Export | Import | Save | Load | Unload | Help
READ_ONLY = (Query, Compare, Export, Save, Load, Unload, Help)
"""Commands that change no hive."""
