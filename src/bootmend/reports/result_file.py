"""A result that was written as JSON, read again: checked member by member, because anybody may have written it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bootmend.errors import InputError, ParseError
from bootmend.reports.document import SCHEMA
from bootmend.texts import say

MOST = 64 << 20
"""Bytes; real results have some hundred KB."""


class Node:
    """An object of the document; `where` is its path in it. A member that is not there is empty."""

    def __init__(self, file: str, where: str, held: Mapping[str, Any]) -> None:
        self._file = file
        self._where = where
        self._held = held

    def text(self, name: str) -> str:
        value = self._held.get(name)
        if value is not None and not isinstance(value, str):
            raise self._wrong(name, "text", value)
        return value or ""

    def flag(self, name: str) -> bool | None:
        value = self._held.get(name)
        if value is not None and not isinstance(value, bool):
            raise self._wrong(name, "true or false", value)
        return value

    def number(self, name: str) -> int:
        value = self._held.get(name) or 0
        if not isinstance(value, int):
            raise self._wrong(name, "a number", value)
        return value

    def texts(self, name: str) -> list[str]:
        found = self._list(name)
        if not all(isinstance(one, str) for one in found):
            raise self._wrong(name, "a list of texts", found)
        return found

    def node(self, name: str) -> Node | None:
        value = self._held.get(name)
        if value is not None and not isinstance(value, dict):
            raise self._wrong(name, "an object", value)
        return Node(self._file, f"{self._where}.{name}", value) if value is not None else None

    def nodes(self, name: str) -> list[Node]:
        found = self._list(name)
        if not all(isinstance(one, dict) for one in found):
            raise self._wrong(name, "a list of objects", found)
        return [Node(self._file, f"{self._where}.{name}[{at}]", one) for at, one in enumerate(found)]

    def _list(self, name: str) -> list[Any]:
        value = self._held.get(name) or []
        if not isinstance(value, list):
            raise self._wrong(name, "a list", value)
        return value

    def _wrong(self, name: str, expected: str, found: Any) -> InputError:
        member = f"{self._where}.{name}".lstrip(".")
        return InputError(
            say("page.wrong", file=self._file, member=member, expected=expected, kind=type(found).__name__)
        )


def read_result(path: Path) -> Node:
    """The document of `diagnose`, `repair` or `undo` in a file. Raises InputError for anything else."""
    try:
        with path.open("rb") as file:
            raw = file.read(MOST + 1)
    except OSError as error:
        raise InputError(say("page.unreadable", file=path, why=error.strerror)) from error
    if len(raw) > MOST:
        raise InputError(say("page.too_large", file=path, most=MOST))
    try:
        held = json.loads(raw)
    except json.JSONDecodeError as error:
        raise ParseError(str(path), error.pos, "a JSON document", error.msg) from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise ParseError(str(path), 0, "a JSON document", type(error).__name__) from error
    if not isinstance(held, dict) or held.get("schema") != SCHEMA:
        raise ParseError(str(path), 0, f'a result of bootmend ("schema": "{SCHEMA}")')
    return Node(str(path), "", held)
