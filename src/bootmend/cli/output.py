"""Where a command's answer goes: a console for people, one JSON document for programs."""

from __future__ import annotations

import json
import sys
from typing import Any

from rich.console import Console

UNWRAPPED = 100_000
"""Columns of a "terminal" that never wraps."""


def console() -> Console:
    """Standard output; rich honours NO_COLOR and leaves colours out of pipes.

    Lines are wrapped for a person's terminal only: whoever reads a pipe searches whole lines.
    """
    return Console(highlight=False, width=None if sys.stdout.isatty() else UNWRAPPED)


def put_document(document: dict[str, Any]) -> None:
    """One JSON document on stdout and nothing else; lone surrogates of Windows names are escaped."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=True) + "\n")
