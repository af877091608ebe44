"""Where a command's answer goes: a console for people, one JSON document for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from io import StringIO
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from bootmend.cli.visible import visible

UNWRAPPED = 100_000
"""Columns of a "terminal" that never wraps."""


class _Console(Console):
    """Shows what comes off a disk as it is: control characters, which a terminal would obey, become visible."""

    def print(self, *objects: Any, **how: Any) -> None:
        super().print(*map(_fit, objects), **how)


def _fit(shown: Any) -> Any:
    if isinstance(shown, str):
        return visible(shown)
    if isinstance(shown, Text) and visible(shown.plain) != shown.plain:
        return Text(visible(shown.plain), style=shown.style)
    if isinstance(shown, Padding):
        shown.renderable = _fit(shown.renderable)
    return shown


def console() -> Console:
    """Standard output; rich honours NO_COLOR and leaves colours out of pipes.

    Lines are wrapped for a person's terminal only: whoever reads a pipe searches whole lines. Square
    brackets are no markup unless a line says so: paths hold them.
    """
    return _Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else UNWRAPPED)


def written(show: Callable[[Console], None]) -> str:
    """What `show` says, as text for a file."""
    text = StringIO()
    show(_Console(file=text, highlight=False, markup=False, width=UNWRAPPED, no_color=True))
    return text.getvalue()


def put_document(document: dict[str, Any]) -> None:
    """One JSON document on stdout and nothing else; lone surrogates of Windows names are escaped."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=True) + "\n")
