r"""Drive letters of a script: `F:` is the disk, as the recovery VM had it attached.

    F:\Windows\...      the Windows volume
    F:\boot\bcd         the store this machine boots from, wherever it is (on generation 2 on the ESP)
    F:\boot\..., F:\EFI\...   where the Windows volume has no such folder, the volume the store is on

A letter may also be given for a certain partition (`--drive S=1`). Any other letter is another disk of
the machine the script was written for, which is not here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping

from bootmend.commands.places import Place, folded, normal_path, shown
from bootmend.errors import Missing, Misuse
from bootmend.texts import say
from bootmend.windows.image import Image, address
from bootmend.windows.installation import Windows

_LETTER = re.compile(r"(?<![A-Za-z0-9%])([A-Za-z]):(?=[\\/\s]|$)")
_CHOICE = re.compile(r"([A-Za-z]):?(?:=([0-9]{1,4}))?")
USUAL = "F"
"""The letter of the article's own examples."""


def letters_used(text: str) -> Counter[str]:
    """How often each letter stands as a drive in the text."""
    return Counter(match[1].upper() for match in _LETTER.finditer(text))


def choose(given: list[str], text: str) -> tuple[str, dict[str, int]]:
    """(letter of the disk, letters of partitions) by `--drive F` and `--drive S=1`; else the one used most."""
    letter, partitions = "", {}
    for word in given:
        match = _CHOICE.fullmatch(word)
        if match is None or (letter and match[2] is None):
            raise Misuse(say("script.bad_drive", word=word))
        if match[2] is not None:
            partitions[match[1].upper()] = int(match[2])
        else:
            letter = match[1].upper()
    if not letter:
        used = letters_used(text)
        common = [(count, one) for one, count in used.items() if one not in partitions]
        letter = max(common, key=lambda item: (item[0], -ord(item[1])))[1] if common else USUAL
    return letter, partitions


class Drives:
    """Paths of a script to places on the disk; remembers where `cd` went on each drive."""

    def __init__(
        self, image: Image, windows: Callable[[], Windows], letter: str, partitions: Mapping[str, int] = {}
    ) -> None:
        self.image = image
        self.letter = letter
        self._windows = windows
        self._partitions = partitions
        self._current: dict[str, str] = {}
        self._drive = ""
        """The current drive; empty as long as the script has not said one."""
        self._pushed: list[tuple[str, str]] = []
        self.notes: list[str] = []

    def require_known(self, letter: str) -> None:
        """Raises Misuse for a letter that is not this disk's."""
        if letter.upper() not in (self.letter, *self._partitions):
            raise Misuse(say("script.other_drive", letter=letter.upper(), disk=self.letter))

    def place(self, word: str) -> Place:
        """Raises Misuse for what is no path of this disk. Whether anything stands there is not asked."""
        letter, path = self.full(word)
        if letter in self._partitions:
            return Place(self._partitions[letter], path)
        return self._on_disk(path)

    def full(self, word: str) -> tuple[str, str]:
        """(drive letter, path from its root) of a word, with the current folder put before a relative one."""
        plain = word.replace("/", "\\")
        if plain.startswith("\\\\"):
            raise Misuse(say("script.network_path", word=shown(word)))
        letter, rest = (plain[0].upper(), plain[2:]) if plain[1:2] == ":" else ("", plain)
        if letter:
            self.require_known(letter)
        elif not self._drive:
            raise Misuse(say("script.no_drive", word=shown(word), letter=self.letter))
        letter = letter or self._drive
        if not rest.startswith("\\"):
            if letter not in self._current and plain[1:2] == ":" and rest:
                raise Misuse(say("script.relative_to_drive", word=shown(word), letter=letter))
            rest = f"{self._current.get(letter, chr(92))}\\{rest}"
        wild = rest.replace("*", "_").replace("?", "_")
        normal_path(wild, word)
        return letter, "\\" + "\\".join(folded(rest))

    def switch(self, letter: str) -> None:
        """`F:` alone on a line."""
        self.require_known(letter)
        self._drive = letter.upper()

    def change_folder(self, word: str, *, drive_too: bool) -> Place:
        """`cd`; with `drive_too` (`cd /d`, `pushd`) the drive becomes the current one. Raises Missing."""
        letter, path = self.full(word)
        place = self.place(word)
        if not self.image.volume(place.volume).stat(place.path).directory:
            raise Missing(say("files.is_file", place=place))
        self._current[letter] = path
        if drive_too or not self._drive:
            self._drive = letter
        return place

    def push(self, word: str) -> Place:
        before = (self._drive, self._current.get(self._drive, "\\"))
        place = self.change_folder(word, drive_too=True)
        self._pushed.append(before)
        return place

    def pop(self) -> None:
        if self._pushed:
            self._drive, folder = self._pushed.pop()
            self._current[self._drive] = folder

    def _on_disk(self, path: str) -> Place:
        windows = self._windows()
        here = Place(windows.volume, path)
        store = windows.chain.hive
        if store is None:
            return here
        lowered = path.lower()
        folder, _, name = store.path.rpartition("\\")
        for usual in ("\\boot\\bcd", "\\efi\\microsoft\\boot\\bcd"):
            # The store and its logs; a file that is really there beside them (BCD.bak) is that file.
            if lowered == usual or (lowered.startswith(usual) and not self._there(here)):
                place = Place(store.volume, f"{folder}\\{name}{path[len(usual) :]}")
                return self._elsewhere(path, here, place)
        top = "\\" + lowered.split("\\")[1] if lowered != "\\" else ""
        if top in ("\\boot", "\\efi", "\\bootmgr") and not self._there(Place(windows.volume, top)):
            if top == "\\boot" and not self._there(Place(store.volume, top)):
                return self._elsewhere(path, here, Place(store.volume, folder + path[len(top) :]))
            if self._there(Place(store.volume, top)):
                return self._elsewhere(path, here, Place(store.volume, path))
        return here

    def _there(self, place: Place) -> bool:
        return self.image.has_file(place.volume, place.path)

    def _elsewhere(self, path: str, here: Place, place: Place) -> Place:
        if (place.volume, place.path.lower()) != (here.volume, path.lower()):
            text = say("script.found_elsewhere", word=f"{self.letter}:{path}", where=address(place.volume, place.path))
            if text not in self.notes:
                self.notes.append(text)
        return place
