"""Command lines of reg.exe run in this process on a lab disk, as `bootmend reg` runs them."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field

from bootmend.commands.reg import LoadedNames, Registry, parse, run
from bootmend.commands.reg.lines import READ_ONLY
from bootmend.disk.overlay import Overlay
from bootmend.edit import Edit
from bootmend.errors import BootmendError, Missing, Refused

_WORD = re.compile(r'"([^"]*)"|(\S+)')


def split(line: str) -> list[str]:
    """The words of a line; quotes hold a word together."""
    return [quoted or bare for quoted, bare in _WORD.findall(line)]


@dataclass
class Folder:
    """Files that `export` and `import` name."""

    files: dict[str, bytes] = field(default_factory=dict)

    def read(self, path: str) -> bytes:
        if path not in self.files:
            raise Missing(f"{path}: there is no such file")
        return self.files[path]

    def write(self, path: str, content: bytes, *, overwrite: bool) -> None:
        if path in self.files and not overwrite:
            raise Refused(f"{path} exists.")
        self.files[path] = content


@dataclass
class Outcome:
    code: int
    lines: list[str]
    notes: list[str]
    error: str
    changed: int
    """Bytes of the disk."""

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def reg(
    disk: Overlay,
    line: str | list[str],
    *,
    accept: Collection[str] = (),
    folder: Folder | None = None,
    names: LoadedNames | None = None,
) -> Outcome:
    """Runs one line; what it changed stands on `disk` afterwards."""
    edit = Edit(disk, frozenset(accept))
    registry = Registry(edit.image, lambda: edit.windows, edit.desk, names, accept)
    lines: list[str] = []
    code, error, changed = 0, "", 0
    try:
        command = parse(split(line) if isinstance(line, str) else line)
        answer = run(command, registry, folder if folder is not None else Folder())
        for text in answer.lines:
            lines.append(text)
        changed = edit.settle()
        assert not (changed and isinstance(command, READ_ONLY))
        for patch in edit.overlay.patches():
            disk.write(patch.offset, patch.after)
    except BootmendError as failed:
        code, error = failed.exit_code, str(failed)
    finally:
        edit.image.close()
    return Outcome(code, lines, registry.notes, error, changed)
