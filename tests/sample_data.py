"""Where the local test data lies, if it does: real files made by others, never part of this tree.

`BOOTMEND_TEST_DATA` names the folder; without it the folder `shared/data` beside the checkout is tried.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
from functools import cache
from pathlib import Path

import pytest


def data_folder() -> Path | None:
    """The data folder, or None where this machine has none."""
    named = os.environ.get("BOOTMEND_TEST_DATA")
    folder = Path(named) if named else Path(__file__).parents[2] / "shared" / "data"
    return folder if folder.is_dir() else None


def need(relative: str) -> Path:
    """A file or folder of the data; skips the test, with the reason, where it is missing."""
    folder = data_folder()
    if folder is None:
        pytest.skip("the local test data folder is not here (BOOTMEND_TEST_DATA)")
    path = folder / relative
    if not path.exists():
        pytest.skip(f"the local test data has no {relative}")
    return path


@cache
def _unpacked(path: Path) -> bytes:
    raw = path.read_bytes()
    if path.suffix == ".xz":
        return lzma.decompress(raw)
    if path.suffix == ".gz":
        return gzip.decompress(raw)
    return bz2.decompress(raw) if path.suffix == ".bz2" else raw


def unpacked(relative: str) -> bytes:
    """The content of a data file, decompressed by its suffix."""
    return _unpacked(need(relative))
