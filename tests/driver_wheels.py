"""Real signed drivers and libraries out of packages of the Python index, fetched on demand, never part of this tree.

`pip download` puts a wheel into the cache folder once (`BOOTMEND_TEST_WHEELS`, else `~/.cache/bootmend-tests/wheels`);
without an index the test skips and says so.
"""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path

import pytest


def _folder() -> Path:
    named = os.environ.get("BOOTMEND_TEST_WHEELS")
    return Path(named) if named else Path.home() / ".cache" / "bootmend-tests" / "wheels"


@cache
def _wheel(requirement: str) -> Path | None:
    name, _, version = requirement.partition("==")
    pattern = f"{name.replace('-', '_')}-{version}-*.whl"
    folder = _folder()
    if not next(folder.glob(pattern), None):
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", "-d", str(folder)]
        command += ["--platform", "win_amd64", "--python-version", "3.11", requirement]
        subprocess.run(command, check=False, capture_output=True, timeout=120)
    return next(folder.glob(pattern), None)


@cache
def wheel_files(requirement: str, ending: str) -> dict[str, bytes]:
    """Path in the wheel -> content of its files that end in `ending`; skips where the wheel cannot be had."""
    wheel = _wheel(requirement)
    if wheel is None:
        pytest.skip(f"{requirement} cannot be fetched from the package index")
    with zipfile.ZipFile(wheel) as archive:
        found = {name: archive.read(name) for name in archive.namelist() if name.endswith(ending)}
    assert found, f"{requirement} has no file ending in {ending}"
    return found


def wheel_file(requirement: str, ending: str) -> bytes:
    """The first file of the wheel whose path ends in `ending`."""
    return next(iter(wheel_files(requirement, ending).values()))


WINDIVERT = ("pydivert==4.0.1", "WinDivert64.sys")
"""Vendor signature first, Microsoft's WHCP signature nested."""
WINDIVERT_2015 = ("pydivert==2.0.9", "WinDivert64.sys")
"""SHA-1, of 2015 and before the cross-signing rule."""
WINIO = ("winiobinary==0.0.4", "data/3.0/WinIo64.sys")
"""Self-signed."""
WINIO_UNSIGNED = ("winiobinary==0.0.4", "data/3.0/WinIo32.sys")
VCRUNTIME = ("msvc-runtime==14.44.35112", "/vcruntime140.dll")
"""Signed by Microsoft Corporation, not as a Windows component."""
WINTUN = ("pywintunx-pmd3==1.0.2", ".pyd")
"""Holds wintun.dll, which holds wintun.sys, wintun.cat and wintun.inf as resources."""
