"""Where a command's answer goes: a console for people, one JSON document for programs."""

from __future__ import annotations

import json
import sys
from typing import Any

from rich.console import Console


def console() -> Console:
    """Standard output; rich honours NO_COLOR and leaves colours out of pipes."""
    return Console(highlight=False, soft_wrap=not sys.stdout.isatty())


def put_document(document: dict[str, Any]) -> None:
    """One JSON document on stdout and nothing else; lone surrogates of Windows names are escaped."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=True) + "\n")
