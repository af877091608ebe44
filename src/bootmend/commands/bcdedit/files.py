"""Stores as files of this machine: `/export` writes one, `/import` reads one."""

from __future__ import annotations

import os
from pathlib import Path

from bootmend.errors import InputError, Refused
from bootmend.texts import say

LARGEST = 64 << 20
"""Bytes; real stores have up to 256 KiB."""


def write_store(path: Path, data: bytes) -> None:
    """A new file with these bytes, durable. Refused where one is there already, InputError where none can be made."""
    try:
        with path.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise Refused(say("bcdedit.file_exists", file=path), say("bcdedit.file_exists_next")) from None
    except OSError as error:
        raise InputError(say("bcdedit.file_unwritable", file=path, why=error.strerror)) from error


def read_store(path: Path) -> bytes:
    """The bytes of the file; InputError, with the reason, where there are none or too many."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise InputError(say("bcdedit.file_unreadable", file=path, why=error.strerror)) from error
    if len(data) > LARGEST:
        raise InputError(say("bcdedit.file_too_large", file=path, limit=LARGEST))
    return data
