"""The files of images that a dump names, among all that may be at hand.

A file counts only where it is the very build that ran: `code.fits`. The sources are asked in their order, the files
of one source the likeliest first.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from bootmend.dumps.code import OtherBuild, fits
from bootmend.dumps.modules import Module
from bootmend.dumps.store import Store
from bootmend.errors import InputError
from bootmend.formats.pe import Pe
from bootmend.texts import say

MOST_BYTES = 256 << 20
"""No driver comes near this size; it bounds memory."""


class Source(Protocol):
    def copies(self, module: Module) -> Iterator[Pe]:
        """The files that may be this module's; what cannot be read is left out."""


class Images:
    """What a stack is followed through: called with a module, it gives its file."""

    def __init__(self, *sources: Source) -> None:
        self._sources = sources

    def __call__(self, module: Module) -> Pe | None:
        another = False
        for source in self._sources:
            for pe in source.copies(module):
                if fits(pe, module):
                    return pe
                another = True
        if another:
            raise OtherBuild(say("symbols.other_build", file=module.file))
        return None


class StoredImages:
    """Folders here: a symbol store of images, a plain folder, or the tree of a Windows as it was copied."""

    def __init__(self, folders: Store) -> None:
        self._folders = folders

    def copies(self, module: Module) -> Iterator[Pe]:
        key = f"{module.timestamp:08X}{module.size:x}" if module.timestamp is not None else "0"
        parts = [part for part in module.path.split("\\") if part]
        tree = parts[1:] if parts and parts[0].lower() in ("systemroot", "??") else parts
        ways = [self._folders.files(module.file, key)]
        if len(tree) > 1:
            ways += [self._folders.below(*tree), self._folders.below("Windows", *tree)]
        for paths in ways:
            for path in paths:
                try:
                    if path.stat().st_size <= MOST_BYTES:
                        yield Pe.parse(path.read_bytes(), str(path))
                except (InputError, OSError):
                    continue
