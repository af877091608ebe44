"""bootmend as one archive that runs on any Linux of the same processor, without network and without packages.

It carries what runs here: this very interpreter with its standard library, the packages bootmend needs, and every
shared library they load, down to the C library and its loader. `run` starts the interpreter through that loader, so
nothing of the other machine but its kernel takes part.

    run                  the starter
    bin/python  lib/     the interpreter; shared libraries by the names that programs ask for
    python/lib/pythonX/  the standard library          site/  bootmend and its packages
"""

from __future__ import annotations

import hashlib
import io
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import bootmend
from bootmend import libwim
from bootmend.errors import Unequipped
from bootmend.texts import say
from bootmend.volumes.ntfs import library

_NOT_NEEDED = frozenset(
    ("__pycache__", "test", "tests", "idlelib", "tkinter", "turtledemo", "ensurepip", "lib2to3", "site-packages",
     "dist-packages", "pydoc_data", "simulate")
)  # fmt: skip
_MODULES_NOT_NEEDED = ("_tkinter", "_test", "_sqlite3", "_dbm", "_gdbm", "_curses", "readline", "nis", "_xx", "xx")
"""Extension modules that bring large libraries with them."""
_LINE = re.compile(r"\s*(\S+) => (/\S+) \(0x[0-9a-f]+\)|\s*(/\S*/ld-\S+) \(0x[0-9a-f]+\)")
_NAME = re.compile(r"^[A-Za-z0-9._-]+")
_STARTER = """#!/bin/sh
here=$(cd "$(dirname "$0")" && pwd)
export PYTHONHOME="$here/python" PYTHONPATH="$here/site" PYTHONDONTWRITEBYTECODE=1
# The C library would look for the other machine's tables of character sets, which may be of another version.
export GCONV_PATH="$here/lib" LC_ALL=C.UTF-8
exec "$here/lib/{loader}" --library-path "$here/lib" "$here/bin/python" -s -m "$@"
"""


def portable() -> Path:
    """The archive (tar, gzip), made once for each state of the program and kept in the user's cache."""
    pieces = list(_pieces())
    key = hashlib.sha256()
    for name, path in pieces:
        told = path.stat()
        key.update(f"{name}\0{told.st_size}\0{told.st_mtime_ns}\n".encode())
    folder = _cache()
    archive = folder / f"portable-{bootmend.__version__}-{key.hexdigest()[:16]}.tar.gz"
    if not archive.exists():
        for old in folder.glob("portable-*.tar.gz"):
            old.unlink(missing_ok=True)
        part = archive.with_suffix(f".{os.getpid()}.part")
        with tarfile.open(part, "w:gz", compresslevel=1) as tar:
            _fill(tar, pieces)
        part.replace(archive)
    return archive


def processor() -> str:
    """Of this computer, as `uname -m` has it."""
    return platform.machine()


def _fill(tar: tarfile.TarFile, pieces: Iterable[tuple[str, Path]]) -> None:
    loader = ""
    for name, path in pieces:
        if name.startswith("lib/ld-"):
            loader = name.removeprefix("lib/")
        tar.add(path.resolve(), name, recursive=False, filter=_plain)
    starter = _STARTER.format(loader=shlex.quote(loader)).encode()
    about = tarfile.TarInfo("run")
    about.size, about.mode = len(starter), 0o755
    tar.addfile(about, io.BytesIO(starter))


def _plain(about: tarfile.TarInfo) -> tarfile.TarInfo:
    about.uid = about.gid = 0
    about.uname = about.gname = "root"
    about.mode = 0o755
    return about


def _pieces() -> Iterator[tuple[str, Path]]:
    """(name in the archive, file here); each once."""
    python = Path(os.path.realpath(getattr(sys, "_base_executable", sys.executable)))
    standard = Path(sysconfig.get_path("stdlib"))
    files = [("bin/python", python)]
    files += [(f"python/lib/{standard.name}/{name}", path) for name, path in _tree(standard)]
    files += [(f"site/bootmend/{name}", path) for name, path in _tree(Path(bootmend.__file__).parent)]
    for one in _needed("bootmend"):
        files += [(f"site/{name}", path) for name, path in _of(one)]
    seen = set()
    for name, path in files:
        if name not in seen:
            seen.add(name)
            yield name, path
    binaries = [path for name, path in files if name == "bin/python" or ".so" in path.suffixes]
    yield from sorted(_libraries([*binaries, *_by_name()]).items())


def _tree(root: Path) -> Iterator[tuple[str, Path]]:
    for folder, inside, names in os.walk(root):
        inside[:] = sorted(name for name in inside if name not in _NOT_NEEDED and not name.startswith("config-"))
        for name in sorted(names):
            path = Path(folder) / name
            unused = path.parent.name == "lib-dynload" and name.startswith(_MODULES_NOT_NEEDED)
            if path.suffix not in (".a", ".pyc") and not unused and path.is_file():
                yield str(path.relative_to(root)), path


def _needed(name: str) -> list[Distribution]:
    """What a package needs to run, and what that needs; optional extras are left out."""
    found: dict[str, Distribution] = {}
    waiting = _required(distribution(name))
    while waiting:
        one = waiting.pop()
        if one not in found:
            try:
                found[one] = distribution(one)
            except PackageNotFoundError:  # needed on other systems only
                continue
            waiting += _required(found[one])
    return list(found.values())


def _required(one: Distribution) -> list[str]:
    names = [_NAME.match(word) for word in one.requires or [] if "extra ==" not in word]
    return [match[0].lower() for match in names if match is not None]


def _of(one: Distribution) -> Iterator[tuple[str, Path]]:
    for file in one.files or []:
        path = Path(str(file.locate()))
        if ".." not in file.parts and "__pycache__" not in file.parts and path.is_file():
            yield str(file), path


def _by_name() -> list[Path]:
    """Libraries that are loaded by name while bootmend runs; they are looked up in what this process has loaded."""
    library.load()
    libwim.load_libwim()
    lines = Path("/proc/self/maps").read_text().splitlines()
    loaded = {line.split(maxsplit=5)[5] for line in lines if line.count("/")}
    return [Path(path) for path in sorted(loaded) if re.search(r"/lib(ntfs-3g|wim)\.so", path)]


def _libraries(binaries: Iterable[Path]) -> dict[str, Path]:
    """All that these load, by the names they ask for, as ldd tells; and the loader itself."""
    ldd = shutil.which("ldd")
    if ldd is None:
        raise Unequipped(say("clouds.no_ldd"))
    found: dict[str, Path] = {}
    for binary in binaries:
        done = subprocess.run([ldd, str(binary)], capture_output=True, check=False, text=True)
        for line in done.stdout.splitlines():
            match = _LINE.fullmatch(line)
            if match is not None:
                path = Path(match[2] or match[3])
                found[f"lib/{match[1] or path.name}"] = path
        if match := re.match(r"lib(ntfs-3g|wim)\.so\.\d+", binary.name):
            found[f"lib/{match[0]}"] = binary
    return found


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME", "")
    folder = (Path(base) if base.startswith("/") else Path.home() / ".cache") / "bootmend"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
