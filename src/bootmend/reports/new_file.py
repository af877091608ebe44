"""A file that is there when it is whole, and not before; it never takes the place of one that is there.

It is made under another name beside its place, brought to the medium, and then takes its name. Only its owner may read
it.
"""

from __future__ import annotations

import errno
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from bootmend.errors import InputError, Refused
from bootmend.texts import say

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What a disk says that takes no more: of the file that is made here, for nothing else is written meanwhile."""


class NewFile:
    """Raises Refused where `target` is there already, InputError where it cannot be written."""

    def __init__(self, target: Path) -> None:
        self.target = target
        if target.exists() or target.is_symlink():
            raise self._taken()
        try:
            handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
        except OSError as error:
            raise self._unwritable(error) from error
        self._path = Path(name)
        self.file = os.fdopen(handle, "w+b")

    def _taken(self) -> Refused:
        return Refused(say("new_file.exists", file=self.target), say("new_file.exists_next"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        try:
            try:
                if kind is None:
                    self.file.flush()
                    os.fsync(self.file.fileno())
                    self._take_its_name()
            finally:
                # What is still held back is written now: on a full disk that fails once more.
                with suppress(OSError):
                    self.file.close()
                self._path.unlink(missing_ok=True)
        except OSError as error:
            raise self._unwritable(error) from error
        if isinstance(value, OSError) and value.errno in _FULL:
            raise self._unwritable(value) from value

    def _unwritable(self, error: OSError) -> InputError:
        return InputError(say("new_file.unwritable", file=self.target, why=error.strerror))

    def _take_its_name(self) -> None:
        """A link never takes the place of a file that came meanwhile; where there are no links, a look before it."""
        try:
            os.link(self._path, self.target)
        except FileExistsError as error:
            raise self._taken() from error
        except OSError:
            if self.target.exists():
                raise self._taken() from None
            self._path.rename(self.target)
        folder = os.open(self.target.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
