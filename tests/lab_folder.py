"""A folder for lab machines that many tests share; it goes when the test process ends."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path


@cache
def lab_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="bootmend-lab-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
