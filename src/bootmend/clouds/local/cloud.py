"""The contract on one computer: machines are folders, disks are files, a snapshot is a copy.

What a run makes lies in MACHINE/bootmend/: NAME.vhd and NAME.vhd.json with its tags. The tags are there first,
so a crash leaves nothing without them.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from bootmend.clouds.cloud import Cloud, How, Listed, Machine, Obstacle, Power, Sight, Thing
from bootmend.clouds.local.machine import LocalMachine
from bootmend.clouds.naming import BACKUP, MACHINE, OLD_DISK, ROLE, RUN, other_marks
from bootmend.disk.container import open_disk
from bootmend.disk.device import BlockDevice, Patch
from bootmend.errors import InputError, Missing, Refused
from bootmend.texts import say

_MOST_SEEN = 32 << 20
"""Bytes of a picture or a log."""


class LocalCloud(Cloud):
    kind = "local"

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    def find(self, name: str) -> Machine:
        folder = (self.root / name).resolve()
        if folder.parent != self.root or not (folder / "machine.json").is_file():
            raise Missing(say("clouds.no_machine", name=name, where=self.root))
        machine = LocalMachine(folder)
        power = Power.RUNNING if machine.runs else Power.OFF
        disk = str(machine.disk)
        return Machine(str(folder), folder.name, str(self.root), power, disk, self.disk_moved(disk))

    def machines(self) -> Iterator[Listed]:
        for file in sorted(self.root.glob("*/machine.json")):
            yield Listed(self.find(file.parent.name), _text(file.with_name("agent")))

    def look(self, machine: str) -> Sight:
        folder = Path(machine)
        agent, screen = folder / "agent", folder / "screen.png"
        return Sight(
            power=Power.RUNNING if LocalMachine(folder).runs else Power.OFF,
            agent=_text(agent),
            agent_when=_when(agent),
            screen=_bytes(screen),
            screen_when=str(screen.stat().st_mtime_ns) if screen.exists() else None,
            serial=_text(folder / "serial.log"),
        )

    def obstacles(self, machine: Machine) -> list[Obstacle]:
        found = [Obstacle(say("clouds.no_helper"), say("clouds.no_helper_next"), frozenset({How.HELPER}))]
        if not Path(machine.disk).is_file():
            found.append(Obstacle(say("disk.missing", path=machine.disk), say("clouds.name_a_disk", name=machine.name)))
        return found

    def costs(self, machine: Machine, how: How) -> list[str]:  # noqa: ARG002
        return [say("clouds.local_costs", size=Path(machine.disk).stat().st_blocks * 512 >> 20)]

    def stop(self, machine: str) -> None:
        LocalMachine(Path(machine)).stop()

    def start(self, machine: str) -> None:
        local = LocalMachine(Path(machine))
        if not local.runs:
            local.start()

    def snapshot(self, disk: str, name: str, tags: Mapping[str, str]) -> str:
        made = self._made(disk, name, tags)
        if not made.exists():
            _copy(Path(disk), made)
        return str(made)

    @contextmanager
    def reading(self, disk: str) -> Iterator[BlockDevice]:
        with open_disk(disk) as device:
            yield device

    def disk_with(self, name: str, source: str, patches: Iterable[Patch], tags: Mapping[str, str]) -> str:
        made = self._made(source, name, tags)
        made.unlink(missing_ok=True)
        _copy(Path(source), made)
        with open_disk(str(made), writable=True) as device:
            for patch in patches:
                device.write(patch.offset, patch.after)
            device.flush()
        return str(made)

    def has_disk(self, disk: str) -> bool:
        return Path(disk).is_file()

    def disk_moved(self, disk: str) -> str:
        """When it was last written to: by a machine, because what is kept here is never written to."""
        path = Path(disk)
        return str(path.stat().st_mtime_ns) if path.is_file() else ""

    def swap(self, machine: str, disk: str) -> None:
        local = LocalMachine(Path(machine))
        if local.runs:
            raise Refused(say("clouds.still_runs", name=local.folder.name), say("clouds.still_runs_next"))
        if not Path(disk).is_file():
            raise Missing(say("disk.missing", path=disk))
        if local.disk.resolve() != Path(disk).resolve():
            local.boot_from(Path(disk))

    def close_access(self, disk: str) -> None:
        """Files are closed by the kernel."""

    def things(self, machine: Machine) -> list[Thing]:
        found = []
        for file in sorted(Path(machine.id).glob("bootmend/*.json")):
            try:
                tags = json.loads(file.read_text(encoding="utf-8"))
                kind = "snapshot" if tags[ROLE] == BACKUP else "disk"
                old_disk, marks = tags.get(OLD_DISK, ""), other_marks(tags)
                found.append(Thing(str(file.with_suffix("")), kind, tags[RUN], tags[ROLE], old_disk, marks))
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise InputError(say("clouds.bad_tags", path=file)) from error
        return found

    def remove(self, thing: str) -> None:
        path = Path(thing)
        folder = path.parent.parent if path.parent.name == "bootmend" else path.parent
        if LocalMachine(folder).disk.resolve() == path.resolve():
            raise Refused(say("clouds.in_use", id=thing), say("clouds.in_use_next"))
        # The tags last: what a crash leaves here is found by them.
        for name in (path.name, path.name + ".part", path.name + ".json"):
            path.with_name(name).unlink(missing_ok=True)

    def _made(self, disk: str, name: str, tags: Mapping[str, str]) -> Path:
        """The path of something that a run makes, with its tags beside it."""
        folder = Path(tags[MACHINE]) / "bootmend"
        folder.mkdir(exist_ok=True)
        made = folder / (name + Path(disk).suffix)
        made.with_name(made.name + ".json").write_text(json.dumps(dict(tags)), encoding="utf-8")
        return made


def _copy(source: Path, target: Path) -> None:
    """Whole or not at all; holes stay holes, and a file system that can shares the blocks."""
    part = target.with_name(target.name + ".part")
    cp = shutil.which("cp") or "/bin/cp"
    words = [cp, "--sparse=always", "--reflink=auto", "--", str(source), str(part)]
    done = subprocess.run(words, capture_output=True, check=False)
    if done.returncode:
        part.unlink(missing_ok=True)
        raise InputError(say("clouds.not_copied", path=source, why=done.stderr.decode(errors="replace").strip()))
    part.replace(target)


def _bytes(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(_MOST_SEEN)
    except OSError:
        return None


def _text(path: Path) -> str | None:
    content = _bytes(path)
    return content.decode("utf-8", "replace").strip() if content is not None else None


def _when(path: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError:
        return None
