"""Who uses a disk right now, as far as the kernel tells: sentences for people, none where nobody does.

/proc/self/mountinfo      it, or a partition of it, is mounted          (proc(5))
/proc/swaps               it is swapped to
/sys/.../holders          device mapper or RAID stands on it
/sys/block/loop*          a loop device stands on it
/proc/PID/fd              a process has it open for writing
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from bootmend.texts import say

_OCTAL = re.compile(r"\\([0-7]{3})")
PROC, SYS = Path("/proc"), Path("/sys")


def who_uses(source: Path, proc: Path = PROC, sys: Path = SYS) -> Iterator[str]:
    """OSError where `source` itself cannot be looked at; what of the kernel's cannot be read is passed over."""
    identity = _Identity(source, sys)
    yield from _swaps(identity, proc)
    yield from _loops(identity, proc, sys)
    for number in sorted(identity.devices):
        device = sys / "dev" / "block" / number
        yield from _mounts(number, device.resolve().name, proc)
        for holder in _listed(device / "holders"):
            yield say("commit.held_by", device=device.resolve().name, holder=holder.name)
    for pid, name in processes(source, proc, writers_only=True):
        yield say("commit.open_in", name=name, pid=pid)


def processes(source: Path, proc: Path = PROC, writers_only: bool = False) -> Iterator[tuple[int, str]]:
    """Others that have `source` open, as far as we may see: pid and name. Our own process and its children never."""
    wanted = source.stat()
    for folder in _listed(proc):
        if not folder.name.isdigit() or _is_ours(folder, proc):
            continue
        for link in _listed(folder / "fd"):
            try:
                open_for = _flags(folder / "fdinfo" / link.name) & os.O_ACCMODE
                if _same(link.stat(), wanted) and (open_for != os.O_RDONLY or not writers_only):
                    yield int(folder.name), (folder / "comm").read_text(errors="replace").strip()
                    break
            except (OSError, ValueError):  # it ended or closed the file meanwhile
                continue


def all_locks_are_ours(source: Path, proc: Path = PROC) -> bool:
    """True where every record lock on `source` is our own or a child's, such as the qemu-nbd that serves it to us.

    Open file description locks belong to no process (their pid is -1), so the kernel's table is
    compared with what stands beside our own descriptors. False where neither shows a lock.
    """
    wanted = source.stat()
    place = f"{os.major(wanted.st_dev):02x}:{os.minor(wanted.st_dev):02x}:{wanted.st_ino}"
    everyone = [line.split()[1:] for line in _lines(proc / "locks") if place in line.split()]
    ours: list[list[str]] = []
    for folder in _listed(proc):
        if folder.name.isdigit() and _is_ours(folder, proc):
            for info in _listed(folder / "fdinfo"):
                ours += [line.split()[2:] for line in _lines(info) if line.startswith("lock:")]
    for lock in (lock for lock in everyone if lock[0] != "FLOCK"):
        if lock not in ours:
            return False
        ours.remove(lock)
    return any(lock[0] != "FLOCK" for lock in everyone)


class _Identity:
    """A file by device and inode; a block device by its number and those of its partitions."""

    def __init__(self, source: Path, sys: Path) -> None:
        self.stat = source.stat()
        self.devices: set[str] = set()
        """major:minor"""
        if stat.S_ISBLK(self.stat.st_mode):
            number = f"{os.major(self.stat.st_rdev)}:{os.minor(self.stat.st_rdev)}"
            self.devices.add(number)
            for child in _listed(sys / "dev" / "block" / number):
                if (child / "partition").exists():
                    self.devices.add((child / "dev").read_text().strip())

    def is_at(self, path: str) -> bool:
        try:
            found = Path(path).stat()
        except (OSError, ValueError):
            return False
        if stat.S_ISBLK(found.st_mode):
            return f"{os.major(found.st_rdev)}:{os.minor(found.st_rdev)}" in self.devices
        return _same(found, self.stat)


def _swaps(identity: _Identity, proc: Path) -> Iterator[str]:
    for line in _lines(proc / "swaps")[1:]:
        path = _plain(line.split()[0]) if line.split() else ""
        if path and identity.is_at(path):
            yield say("commit.swapped_to", device=path)


def _loops(identity: _Identity, proc: Path, sys: Path) -> Iterator[str]:
    for folder in _listed(sys / "block"):
        backing = "".join(_lines(folder / "loop" / "backing_file"))
        if not backing or not identity.is_at(backing):
            continue
        yield say("commit.looped", device=f"/dev/{folder.name}")
        for number in [folder / "dev", *(child / "dev" for child in _listed(folder) if (child / "partition").exists())]:
            yield from _mounts("".join(_lines(number)), number.parent.name, proc)


def _mounts(number: str, name: str, proc: Path) -> Iterator[str]:
    for line in _lines(proc / "self" / "mountinfo"):
        fields = line.split(" ")
        if len(fields) > 4 and fields[2] == number:
            yield say("commit.mounted", device=f"/dev/{name}", folder=_plain(fields[4]))


def _is_ours(folder: Path, proc: Path) -> bool:
    """Our own process, or a child of it such as the qemu-nbd that opens the disk for us."""
    own = str(os.getpid())
    for _ in range(64):
        if folder.name == own:
            return True
        parents = [line.split()[1] for line in _lines(folder / "status") if line.startswith("PPid:")]
        if not parents or parents[0] in ("0", "1"):
            return False
        folder = proc / parents[0]
    return False


def _flags(info: Path) -> int:
    return next(int(line.split()[1], 8) for line in info.read_text().splitlines() if line.startswith("flags:"))


def _same(one: os.stat_result, other: os.stat_result) -> bool:
    if stat.S_ISBLK(one.st_mode) and stat.S_ISBLK(other.st_mode):
        return one.st_rdev == other.st_rdev
    return (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)


def _plain(field: str) -> str:
    r"""proc(5): blanks and the like stand as \040."""
    return _OCTAL.sub(lambda match: chr(int(match[1], 8)), field)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return []


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []
