"""A sentence beside the output."""

from __future__ import annotations

import sys

from bootmend.cli.secrets import hushed
from bootmend.cli.visible import visible


def note(sentence: str) -> None:
    """To stderr, a line: nothing in it moves the cursor, and no secret of the command line is told again."""
    sys.stderr.write(hushed(visible(sentence)) + "\n")
