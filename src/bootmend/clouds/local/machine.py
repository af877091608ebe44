"""One machine of the local cloud: a folder.

    machine.json    {"disk": "os.vhd", "start": ["qemu-system-x86_64", "-m", "4G", "{disk}"]}
    running         whoever was started from it holds a lock on this file
    agent           what its system says of itself: "Ready"        }
    screen.png      what its screen shows                          }  written by what runs, if it can
    serial.log      what came over its serial port                 }

The command is a list and never goes through a shell; {disk} stands for the disk's path. It runs in the folder.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bootmend.commit import in_use
from bootmend.errors import InputError, Missing, ParseError
from bootmend.texts import say

_PATIENCE = 10.0
"""Seconds between asking a process to end and ending it."""
_children: dict[Path, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True, slots=True)
class LocalMachine:
    folder: Path

    @property
    def disk(self) -> Path:
        name = self._settings().get("disk")
        if not isinstance(name, str) or not name:
            raise ParseError(str(self._file), 0, '"disk": the name of the disk file')
        return self.folder / name

    def boot_from(self, disk: Path) -> None:
        """Durable when it returns: the file is written whole under another name first."""
        settings = {**self._settings(), "disk": os.path.relpath(disk, self.folder)}
        part = self._file.with_suffix(".part")
        with part.open("w", encoding="utf-8") as file:
            json.dump(settings, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._file)

    @property
    def runs(self) -> bool:
        """Whoever was started from it holds a lock, and its children do, until the last of them ends."""
        try:
            handle = os.open(self._lock, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(handle)
        return False

    def start(self) -> None:
        command = self._settings().get("start")
        if not isinstance(command, list) or not command or not all(isinstance(word, str) for word in command):
            raise ParseError(str(self._file), 0, '"start": a list of words')
        words = [word.replace("{disk}", str(self.disk)) for word in command]
        handle = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            quiet = subprocess.DEVNULL
            child = subprocess.Popen(
                words,
                cwd=self.folder,
                stdin=quiet,
                stdout=quiet,
                stderr=quiet,
                start_new_session=True,
                pass_fds=[handle],
            )
        except BlockingIOError:
            return  # it runs already
        except OSError as error:
            raise InputError(say("clouds.not_startable", command=words[0], why=error.strerror)) from error
        finally:
            os.close(handle)
        _children[self._lock] = child

    def stop(self) -> None:
        """Asks all that was started from it to end, then ends it."""
        if not self._lock.exists():
            return
        child = _children.get(self._lock)
        for number in (signal.SIGTERM, signal.SIGKILL):
            pids = [pid for pid, _ in in_use.processes(self._lock)]
            for pid in [*pids, *([child.pid] if child is not None and child.poll() is None else [])]:
                with suppress(ProcessLookupError):
                    os.kill(pid, number)
            end = time.monotonic() + _PATIENCE
            while self.runs and time.monotonic() < end:
                if child is not None:
                    child.poll()  # a child of ours that ended stays until it is asked for
                time.sleep(0.02)
            if not self.runs:
                return
        raise InputError(say("clouds.not_stopped", name=self.folder.name))

    @property
    def _lock(self) -> Path:
        return self.folder / "running"

    @property
    def _file(self) -> Path:
        return self.folder / "machine.json"

    def _settings(self) -> dict[str, Any]:
        try:
            loaded = json.loads(self._file.read_text(encoding="utf-8"))
        except OSError as error:
            raise Missing(say("clouds.no_machine", name=self.folder.name, where=self.folder.parent)) from error
        except ValueError as error:
            raise ParseError(str(self._file), 0, "JSON", str(error)) from error
        if not isinstance(loaded, dict):
            raise ParseError(str(self._file), 0, "a JSON object")
        return loaded
