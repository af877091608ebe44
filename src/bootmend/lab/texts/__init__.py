"""What a phony machine is grown from: lists of services, devices, files, folders and registry values, as text.

A line is a row, columns are parted by " | ", "#" opens a comment line, a dash stands for nothing.
"""

from __future__ import annotations

from functools import cache
from importlib import resources


@cache
def source(name: str) -> str:
    """The whole of `<name>.txt`."""
    return resources.files(__name__).joinpath(f"{name}.txt").read_text(encoding="utf-8")


def rows(name: str) -> list[list[str]]:
    """The rows of `<name>.txt`; a dash is an empty column."""
    lines = (line.strip() for line in source(name).splitlines())
    return [
        ["" if column.strip() == "-" else column.strip() for column in line.split(" | ")]
        for line in lines
        if line and not line.startswith("#")
    ]
