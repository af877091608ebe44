"""The archive for a helper runs by itself: from an empty environment, with none of this machine's libraries."""

from __future__ import annotations

import subprocess
import tarfile
from pathlib import Path

import pytest

from bootmend import __version__
from bootmend.clouds.portable import portable

LOADED = """
import ctypes, sys
import bootmend.repair, bootmend.libwim, bootmend.volumes.ntfs.library
bootmend.libwim.load_libwim(); bootmend.volumes.ntfs.library.load()
paths = {line.split(maxsplit=5)[5].strip() for line in open("/proc/self/maps") if line.count("/")}
paths |= {module.__file__ for module in sys.modules.values() if getattr(module, "__file__", None)}
print("\\n".join(sorted(paths)))
"""


@pytest.mark.slow
def test_it_runs_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    archive = portable()
    assert portable() == archive and archive.stat().st_size < 80 << 20
    there = tmp_path / "there"
    there.mkdir()
    subprocess.run(["tar", "-xzf", archive, "-C", there], check=True)  # as the helper's script does
    with tarfile.open(archive) as tar:
        assert not [member.name for member in tar.getmembers() if "azure/simulate/" in member.name]
    (there / "site" / "loaded.py").write_text(LOADED)
    told = subprocess.run([there / "run", "loaded"], env={}, capture_output=True, text=True, check=True).stdout
    strange = [path for path in told.splitlines() if not path.startswith((str(there), "/usr/lib/locale", "/memfd"))]
    assert strange == []
    done = subprocess.run([there / "run", "bootmend", "--version"], env={}, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"bootmend {__version__}"
