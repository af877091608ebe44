"""Folders of this machine in which symbols and images are kept, in any of the layouts that Microsoft's tools use.

    FOLDER/name                          a plain folder
    FOLDER/name/KEY/name                 a symbol store; KEY tells one build from another
    FOLDER/na/name/KEY/name              a store of two tiers, by the first two letters (marked by index2.txt)
    FOLDER/sys/name, FOLDER/symbols/sys/name      by the ending of the image, as symbol packages unpack

Windows does not mind the case of names, so it does not count here either. A store keeps a file also as `name_`
with its last letter replaced (compressed), or as file.ptr (a path elsewhere): neither is read here.
Source: "SymStore" and "Advanced SymSrv Use" of Microsoft's debugger documentation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from bootmend.errors import Missing
from bootmend.texts import say

_SERVERS = ("srv", "symsrv", "cache")
_KEY = re.compile(r"[0-9A-Za-z]{1,48}")
_LONGEST_NAME = 255


class Store:
    """Files by name and key; nothing is listed before it is asked for, and each folder once."""

    def __init__(self, folders: Sequence[Path] = ()) -> None:
        self.folders = tuple(folders)
        self._listed: dict[Path, dict[str, Path]] = {}

    def __bool__(self) -> bool:
        return bool(self.folders)

    def files(self, name: str, key: str, ending: str = "") -> Iterator[Path]:
        """Those that may be it, the one under its own key first; whoever takes one looks whether it is."""
        if not is_plain_name(name) or not _KEY.fullmatch(key):
            return
        ways = [(name, key, name), (name[:2], name, key, name), (name,)]
        if is_plain_name(ending):
            ways += [(ending, name), ("symbols", ending, name)]
        yield from self._each(ways)

    def packed(self, name: str, key: str) -> Iterator[Path]:
        """What a store has in its place: a compressed file, or the path of one elsewhere."""
        if not is_plain_name(name) or not _KEY.fullmatch(key):
            return
        short = f"{name[:-1]}_"
        heads = [(name, key), (name[:2], name, key)]
        yield from self._each([(*head, last) for head in heads for last in (short, "file.ptr")])

    def below(self, *parts: str) -> Iterator[Path]:
        """A file by its path below the folders."""
        if all(is_plain_name(part) for part in parts):
            yield from self._each([parts])

    def _each(self, ways: Sequence[tuple[str, ...]]) -> Iterator[Path]:
        for folder in self.folders:
            for way in ways:
                found: Path | None = folder
                for part in way:
                    found = self._child(found, part) if found is not None else None
                if found is not None and found.is_file():
                    yield found

    def _child(self, folder: Path, name: str) -> Path | None:
        if folder not in self._listed:
            try:
                self._listed[folder] = {path.name.lower(): path for path in folder.iterdir()}
            except OSError:  # no folder, or none of ours
                self._listed[folder] = {}
        return self._listed[folder].get(name.lower())


def is_plain_name(name: str) -> bool:
    """A file's name and nothing else: what comes out of an image must not lead out of the folder."""
    return 0 < len(name) <= _LONGEST_NAME and name not in (".", "..") and not set(name) & set("/\\:\0")


def folders_of(texts: Sequence[str]) -> tuple[list[Path], list[str]]:
    """The folders of symbol paths that are here, and sentences about what of them is not used.

    A path is a folder, or written as in _NT_SYMBOL_PATH: `srv*CACHE*https://...;cache*FOLDER;FOLDER`. Of a server
    only the folders before it count: nothing is downloaded. Raises Missing where no folder of a path is here.
    """
    found: dict[Path, None] = {}
    told: list[str] = []
    for text in texts:
        here = [Path(part) for part in _parts(text) if Path(part).is_dir()]
        if not here:
            raise Missing(say("symbols.no_folder", path=text))
        found.update(dict.fromkeys(here))
        for part in _parts(text):
            if "://" in part:
                told.append(say("symbols.not_downloaded", address=part))
            elif not Path(part).is_dir():
                told.append(say("symbols.folder_not_here", folder=part))
    return list(found), told


def _parts(text: str) -> Iterator[str]:
    """The folders and addresses that a symbol path names, in its order."""
    if text and Path(text).is_dir():
        yield text
        return
    for element in filter(None, (one.strip() for one in text.split(";"))):
        word, *rest = element.split("*")
        if not rest:
            yield element
        elif word.lower() in _SERVERS:
            # symsrv* names the library that asks the server before its folders.
            yield from filter(None, rest[1:] if word.lower() == "symsrv" else rest)
        else:
            yield from filter(None, (word, *rest))
