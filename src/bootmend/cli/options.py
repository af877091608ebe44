"""Options that several commands share, and the ones that stand anywhere on the line."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer


@dataclass(slots=True)
class Settings:
    """`--quiet` and `--debug`, wherever they stood."""

    quiet: bool = False
    debug: bool = False


SETTINGS = Settings()


def take_global_options(arguments: list[str]) -> tuple[list[str], Settings]:
    """Takes `--quiet` and `--debug` out of a command line, up to a bare `--`."""
    kept: list[str] = []
    for position, word in enumerate(arguments):
        if word == "--":
            kept.extend(arguments[position:])
            break
        if word == "--quiet":
            SETTINGS.quiet = True
        elif word == "--debug":
            SETTINGS.debug = True
        else:
            kept.append(word)
    return kept, SETTINGS


def shows_progress() -> bool:
    """Progress goes to a terminal only, and never beside a document that a program reads."""
    return sys.stderr.isatty() and not SETTINGS.quiet


Disk = Annotated[
    str,
    typer.Argument(metavar="DISK", help="A disk image (raw, VHD, VHDX, qcow2, VMDK), a block device, or an https URL."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout and nothing else.")]
Donors = Annotated[
    list[str], typer.Option("--donor", metavar="DISK|DIR", help="A healthy machine's disk, or a folder of files.")
]
Trusted = Annotated[
    list[Path], typer.Option("--trust", metavar="PEM", help="A root certificate to trust beside Microsoft's.")
]
JournalDir = Annotated[
    Path | None, typer.Option("--journal-dir", metavar="DIR", help="Where the journals lie (default: DISK.bootmend/).")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Accept = Annotated[
    list[str], typer.Option("--accept", metavar="RISK", help="Allow what may change what you want kept.")
]
