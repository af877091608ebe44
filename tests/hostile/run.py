"""One command line against one hostile disk, in a child of its own with little memory and little time.

    work copy of a lab machine + fault + strike -> bootmend in a child -> Outcome -> complaints

Whatever was written is taken back afterwards, so that the next case starts from the same disk.
"""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import import_module
from pathlib import Path

from hostile.strikes import strike
from hostile.terrain import Strike, Terrain
from lab_machines import base

from bootmend.cli import main
from bootmend.cli.options import take_global_options
from bootmend.commit import undo
from bootmend.disk.container import open_disk
from bootmend.disk.device import BlockDevice, Patch, Window
from bootmend.disk.digest import data_digest
from bootmend.disk.overlay import Overlay
from bootmend.errors import Refused
from bootmend.lab.faults import apply_fault
from bootmend.rules import all_rules
from bootmend.volumes.ntfs import NtfsVolume

MEMORY = 2 << 30
"""Bytes of address space for the child, beyond what it begins with."""
SECONDS = 60
"""Of processor time; the clock on the wall may show much more where others work too."""
PATIENCE = 300
"""Seconds on the wall, for one that waits for ever."""
PEAK = 800 << 20
"""Bytes of memory a case may take at most; a sound machine takes about 150 MiB with the tests' own share."""
LONG_AGO = 10**9
AHEAD = ("app", "diagnose", "output", "repair", "session")
"""Commands' modules, imported before the first child is: they would be loaded in each child again."""
SAID = re.compile(r"^bootmend: \S", re.MULTILINE)


@dataclass(frozen=True)
class Outcome:
    code: int
    """128 and the signal's number where the child was ended by one."""
    out: str
    err: str
    seconds: float
    """Of processor time."""
    peak: int
    """Bytes beyond what the test process held."""

    @property
    def document(self) -> dict[str, object] | None:
        try:
            found = json.loads(self.out)
        except ValueError:
            return None
        return found if isinstance(found, dict) else None


def run(arguments: Sequence[str]) -> Outcome:
    """`bootmend ARGUMENTS` as a user would run it, but without starting Python anew."""
    _load_ahead()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        sys.stdout.flush()
        sys.stderr.flush()
        inherited = _resident()
        child = os.fork()
        if child == 0:
            _become(out.fileno(), err.fileno(), arguments)
        _, status, usage = os.wait4(child, 0)
        out.seek(0)
        err.seek(0)
        texts = out.read().decode(errors="replace"), err.read().decode(errors="replace")
    code = os.waitstatus_to_exitcode(status)
    # A child begins with the pages of its parent, and a test process grows fat with what it keeps.
    peak = max(0, (usage.ru_maxrss << 10) - inherited)
    return Outcome(code if code >= 0 else 128 - code, *texts, usage.ru_utime + usage.ru_stime, peak)


def _resident() -> int:
    """Bytes of memory that this process holds now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def _addresses() -> int:
    """Bytes of address space that this process has now."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


@cache
def _load_ahead() -> None:
    for name in (*(f"cli.{name}" for name in AHEAD), "reports.document", "reports.terminal"):
        import_module(f"bootmend.{name}")
    all_rules()


def _become(out: int, err: int, arguments: Sequence[str]) -> None:
    """Never returns: the child's whole life."""
    code = 99
    try:
        os.dup2(out, 1)
        os.dup2(err, 2)
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)
        most = _addresses() + MEMORY  # a child begins with what its parent has mapped
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(PATIENCE)  # ends this process, and with it the reader it waits for
        words, settings = take_global_options(list(arguments))
        code = main._in_child(lambda: main._run(words, debug=settings.debug))
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


@contextmanager
def quick_folder() -> Iterator[Path]:
    """In memory where there is room: a commit waits for the medium several times."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 1 << 30
    with tempfile.TemporaryDirectory(prefix="bootmend-hostile-", dir=memory if roomy else None) as folder:
        yield Path(folder)


class Victim:
    """A copy of a healthy lab machine with a fault; struck and made whole again, case after case."""

    def __init__(self, generation: int, fault: str, folder: Path, cases: int = 1) -> None:
        self.cases = cases
        """Of each area, in the usual run."""
        self.machine = base(generation)
        self.path = folder / f"victim-{generation}.vhd"
        if not self.path.exists():
            subprocess.run(["cp", "--sparse=always", str(self.machine.path), str(self.path)], check=True)
        self.pem = str(self.machine.pem)
        self.journals = folder / f"journals-{generation}"
        with open_disk(str(self.machine.path)) as healthy, Overlay(healthy) as broken:
            apply_fault(broken, fault, self.machine.manifest)
            self.fault = list(broken.patches())

    @cached_property
    def ground(self) -> Terrain:
        return Terrain(self._broken())

    def _broken(self) -> Overlay:
        device = Overlay(open_disk(str(self.machine.path)))
        for patch in self.fault:
            device.write(patch.offset, patch.after)
        return device

    def strike(self, area: str, seed: int) -> Strike:
        return strike(self.ground, area, seed)

    def changed(self, change: Callable[[NtfsVolume], object]) -> Strike:
        """What stands elsewhere on the disk after `change` has worked on the Windows volume's files."""
        part = self.ground.windows
        with Overlay(self._broken(), memory_bound=1 << 30) as scratch:
            with NtfsVolume(Window(scratch, part.start, part.device.size), "Windows", writable=True) as volume:
                change(volume)
            return [(patch.offset, patch.after) for patch in scratch.patches()]

    @contextmanager
    def struck(self, blow: Strike) -> Iterator[None]:
        """The disk file holds fault and blow as long as the block lasts."""
        written = [*((patch.offset, patch.after) for patch in self.fault), *blow]
        with open_disk(str(self.path), writable=True) as disk, open_disk(str(self.machine.path)) as healthy:
            for offset, data in written:
                disk.write(offset, data)
            before = [Patch(offset, healthy.read(offset, len(data)), data) for offset, data in written]
        os.utime(self.path, ns=(LONG_AGO, LONG_AGO))
        shutil.rmtree(self.journals, ignore_errors=True)
        try:
            yield
        finally:
            with self._ours_again() as disk:
                for patch in before:
                    disk.write(patch.offset, patch.before)

    def _ours_again(self) -> BlockDevice:
        """The disk opened for writing; a reader whose time was up may take a moment to be gone."""
        for _ in range(50):
            with suppress(Refused):
                return open_disk(str(self.path), writable=True)
            time.sleep(0.1)
        return open_disk(str(self.path), writable=True)

    def written_to(self) -> bool:
        return self.path.stat().st_mtime_ns != LONG_AGO

    def expected_digest(self, blow: Strike) -> str:
        device = self._broken()
        for offset, data in blow:
            device.write(offset, data)
        return data_digest(device)[0]

    def digest(self) -> str:
        with open_disk(str(self.path)) as disk:
            return data_digest(disk)[0]

    def renew(self) -> None:
        """After a case that left the file in a state nobody knows."""
        self.path.unlink()
        subprocess.run(["cp", "--sparse=always", str(self.machine.path), str(self.path)], check=True)


def attack(victim: Victim, blow: Strike, command: Sequence[str]) -> tuple[Outcome, list[str]]:
    """Runs one command (`diagnose`, `repair --yes --json`) on the struck disk; what is wrong with how it went."""
    with victim.struck(blow):
        outcome = run([*command, str(victim.path), "--trust", victim.pem, "--journal-dir", str(victim.journals)])
        complaints = list(_complaints(outcome, str(victim.path)))
        document = outcome.document
        committed = bool(document and document.get("commit"))
        if committed:
            complaints += _undone(victim, blow)
        elif victim.written_to():
            complaints.append("the disk was written to without a commit")
    if complaints:
        victim.renew()
    return outcome, complaints


def _complaints(outcome: Outcome, disk: str) -> Iterator[str]:
    if outcome.code not in (0, 1, 3, 4):
        yield f"exit code {outcome.code}"
    if "Traceback" in outcome.err or "Traceback" in outcome.out:
        yield "a traceback"
    if outcome.code in (3, 4):
        if not SAID.search(outcome.err):
            yield "no sentence on stderr"
        if "crashed" in outcome.err:
            yield "the reader crashed"
        elif not any(word in outcome.err for word in (disk, "volume ", "\\Windows\\")):
            yield "the message names no file"
    if outcome.peak > PEAK:
        yield f"{outcome.peak >> 20} MiB of memory"
    if outcome.seconds > SECONDS / 2:
        yield f"{outcome.seconds:.0f} seconds"


def _undone(victim: Victim, blow: Strike) -> Iterator[str]:
    """After a commit: `undo` gives the very bytes of before."""
    journals = sorted(victim.journals.glob("*"))
    try:
        with open_disk(str(victim.path), writable=True) as disk:
            undo(disk, next(path for path in journals if path.is_file() and path.suffix != ".lock"))
    except Exception as error:
        yield f"undo: {error!r}"
    if victim.digest() != victim.expected_digest(blow):
        yield "undo left other bytes"
