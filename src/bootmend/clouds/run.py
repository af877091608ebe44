"""A run: one repair of one machine, as far as it got, in a small file that survives a crash.

    open ──> done ──> confirmed
      │        └────> going-back ──> back
      └─────────────> going-back ──> back

Everything a run is about to make is named after its id, so the record needs only what cannot be
worked out again: the disk that was there, whether the machine ran, and which steps are behind it.
A record is written whole under another name, synced and renamed: a crash leaves the old or the new one.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, get_origin, get_type_hints

from bootmend.clouds.cloud import Machine, Power
from bootmend.clouds.naming import LOOK, new_run_id
from bootmend.errors import InputError, ParseError, Refused
from bootmend.texts import say

SCHEMA = "bootmend.run/1"
_MOST_IN_A_RECORD = 1 << 20


class Stage(StrEnum):
    OPEN = "open"
    DONE = "done"
    """The machine was left on its repaired disk; the old one is kept."""
    GOING_BACK = "going-back"
    BACK = "back"
    """The machine has its old disk; what the run made is gone."""
    CONFIRMED = "confirmed"
    """The machine stays on its repaired disk; the old one is gone."""


@dataclass(slots=True)
class Run:
    id: str
    cloud: str
    machine: str
    name: str
    how: str
    old_disk: str
    was_running: bool
    stage: Stage = Stage.OPEN
    steps: dict[str, str] = field(default_factory=dict)
    """Name of a step that is behind us, and when it was (ISO 8601, UTC)."""
    backup: str = ""
    new_disk: str = ""
    moved: dict[str, str] = field(default_factory=dict)
    """Marks of the last start or stop before the copy was made, of the machine and of its disk."""
    before_start: dict[str, str] = field(default_factory=dict)
    """What could be seen before the repaired disk was started: an old picture is no news."""
    outcome: str = ""
    """What the mending came to: repaired, healthy, nothing_possible."""
    verdict: str = ""
    reason: str = ""
    """Of the verdict, or why the run went back."""
    options: dict[str, Any] = field(default_factory=dict)
    """What the user asked for, so that a resumed run does the same."""

    @classmethod
    def of(cls, cloud: str, machine: Machine, how: str, options: dict[str, Any]) -> Run:
        # Where it cannot be told, a machine that is off for no reason would be the worse surprise.
        running = machine.power in (Power.RUNNING, Power.MOVING, Power.UNKNOWN)
        return cls(new_run_id(), cloud, machine.id, machine.name, how, machine.disk, running, options=options)

    @property
    def unfinished(self) -> bool:
        return self.stage in (Stage.OPEN, Stage.GOING_BACK)

    @property
    def as_begun(self) -> Machine:
        """Its machine as far as the record tells."""
        return Machine(self.machine, self.name, str(self.options.get("place", "")), Power.UNKNOWN, self.old_disk)

    @property
    def age(self) -> timedelta:
        """Since it was begun, as its id tells."""
        return datetime.now(UTC) - datetime.strptime(self.id[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)

    @property
    def looks(self) -> bool:
        """It only reads the disk, for a diagnosis."""
        return self.how == LOOK


class Store:
    """The records of all runs, one file each, in a folder that only its owner reads."""

    def __init__(self, folder: Path | None = None, tell: Callable[[str], None] | None = None) -> None:
        self.folder = folder or state_folder()
        self._tell = tell
        """Hears of records that cannot be read; without it they are an error."""
        self._told: set[Path] = set()

    def save(self, run: Run) -> None:
        """Durable when it returns. InputError where it cannot be written."""
        text = json.dumps({"schema": SCHEMA, **asdict(run)}, indent=2)
        self._put(f"{run.id}.json", text)

    def save_result(self, run: Run, document: dict[str, Any]) -> Path:
        """What was found and done on the disk: the JSON of `repair`."""
        return self._put(f"{run.id}.result.json", json.dumps(document, indent=2))

    def result(self, run: Run) -> dict[str, Any] | None:
        try:
            loaded = json.loads((self.folder / f"{run.id}.result.json").read_text())
        except (OSError, ValueError):
            return None
        return loaded if isinstance(loaded, dict) else None

    def runs(self) -> list[Run]:
        """Newest first. ParseError for a record that is not one, where nobody hears of it.

        One that cannot be read holds up no other machine: what its run made is known by its tags, as if it had been
        begun on another computer.
        """
        if not self.folder.is_dir():
            return []
        paths = [path for path in self.folder.glob("*.json") if not path.name.endswith(".result.json")]
        found = []
        for path in sorted(paths, reverse=True):
            try:
                found.append(_load(path))
            except ParseError as error:
                if self._tell is None:
                    raise
                if path not in self._told:
                    self._told.add(path)
                    self._tell(say("clouds.record_skipped", why=str(error)))
        return found

    def of_machine(self, cloud: str, machine: str) -> list[Run]:
        """Newest first. Azure's ids know no upper case."""
        wanted = machine.lower()
        return [run for run in self.runs() if run.cloud == cloud and run.machine.lower() == wanted]

    @contextmanager
    def alone(self, machine: str) -> Iterator[None]:
        """Nobody else on this computer works at that machine meanwhile; Refused where someone does."""
        self._make_folder()
        name = hashlib.sha256(machine.lower().encode()).hexdigest()[:24]
        handle = os.open(self.folder / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise Refused(say("clouds.busy", machine=machine), say("clouds.busy_next")) from error
            yield
        finally:
            os.close(handle)

    def _put(self, name: str, text: str) -> Path:
        self._make_folder()
        path = self.folder / name
        part = path.with_suffix(".part")
        try:
            handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
            folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise InputError(say("clouds.no_state", path=path, why=error.strerror)) from error
        return path

    def _make_folder(self) -> None:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(say("clouds.no_state", path=self.folder, why=error.strerror)) from error


def state_folder() -> Path:
    """Where the XDG base directory specification puts what should survive restarts."""
    base = os.environ.get("XDG_STATE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".local" / "state") / "bootmend" / "clouds"


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@cache
def _kinds() -> dict[str, type]:
    """The type of each field of a run."""
    return {name: get_origin(hint) or hint for name, hint in get_type_hints(Run).items()}


def _load(path: Path) -> Run:
    try:
        if path.stat().st_size > _MOST_IN_A_RECORD:
            raise ParseError(str(path), _MOST_IN_A_RECORD, "the end of a record")
        values = json.loads(path.read_text(encoding="utf-8"))
        if values.pop("schema") != SCHEMA:
            raise ParseError(str(path), 0, f"the schema {SCHEMA}")
        known = {one.name for one in fields(Run)}
        run = Run(**{name: value for name, value in values.items() if name in known})
        run.stage = Stage(run.stage)
        for name, kind in _kinds().items():
            if not isinstance(getattr(run, name), kind):
                raise TypeError(f"{name}: not of its kind")
    except OSError as error:
        raise InputError(say("clouds.no_state", path=path, why=error.strerror)) from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ParseError(str(path), 0, "the record of a run in JSON", str(error)) from error
    return run
