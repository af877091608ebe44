"""What goes over the wire: a call, its answer, and Azure's way to say no."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


class ArmError(Exception):
    """A call that is answered with an error: https://github.com/microsoft/api-guidelines (Azure, "error" object)."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})

    def answer(self) -> Answer:
        return Answer(self.status, {"error": {"code": self.code, "message": self.message}}, self.headers)


class Dropped(Exception):
    """The connection ends here without an answer."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `names` are what the route's places hold; `headers` have lower-case names."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""
    names: Mapping[str, str] = field(default_factory=dict)
    base: str = ""
    """Where the double is reached, for links in answers."""

    def json(self) -> Json:
        """The body as an object; Azure answers 400 to anything else."""
        if not self.body:
            return {}
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise ArmError(
                400, "InvalidRequestContent", "The request content was invalid and could not be deserialized."
            )
        return value


@dataclass(slots=True)
class Answer:
    """`body` is an object for JSON, bytes as they are, pieces to be sent one after the other, or nothing.

    Pieces need a Content-Length in `headers`.
    """

    status: int
    body: Json | bytes | Iterator[bytes] | None = None
    headers: dict[str, str] = field(default_factory=dict)
