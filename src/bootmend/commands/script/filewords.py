"""cmd's own words for files, on the volumes of a disk: copy, xcopy, move, ren, del, rd, md, attrib, cd.

words -> switches and names -> what they name (patterns) -> edits of the image -> a sentence each

As in a batch file nobody is asked before something is overwritten. A file named in full is taken even if
it is hidden, which cmd would not do; patterns pass hidden ones by, as cmd's do.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from bootmend.commands.places import shown
from bootmend.commands.script.arguments import names_of, require_some, split
from bootmend.commands.script.copying import Copying
from bootmend.commands.script.deleting import Deleting
from bootmend.commands.script.drives import Drives
from bootmend.commands.script.patterns import Found, below, children, find, make_folders, renamed
from bootmend.errors import Misuse, Refused
from bootmend.texts import say
from bootmend.volumes.volume import ARCHIVE, HIDDEN, READ_ONLY, SYSTEM
from bootmend.windows.image import Image

_ATTRIBUTES = {"r": READ_ONLY, "h": HIDDEN, "s": SYSTEM, "a": ARCHIVE}


class FileWords:
    """One script's file commands; `run` gives a sentence for each thing done."""

    def __init__(self, image: Image, drives: Drives) -> None:
        self.image = image
        self.drives = drives
        copying, deleting = Copying(image, drives), Deleting(image, drives)
        self._commands: dict[str, Callable[[list[str]], list[str]]] = {
            "copy": copying.copy,
            "xcopy": copying.xcopy,
            "move": copying.move,
            "ren": self._rename,
            "rename": self._rename,
            "del": deleting.delete,
            "erase": deleting.delete,
            "rd": deleting.remove_folder,
            "rmdir": deleting.remove_folder,
            "attrib": self._attrib,
            "md": self._make,
            "mkdir": self._make,
            "cd": self._change,
            "chdir": self._change,
            "pushd": self._push,
            "popd": self._pop,
        }

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._commands)

    def run(self, program: str, words: list[str]) -> list[str]:
        """Raises Misuse for wrong words, Missing for what is not there, Refused for what may not be done."""
        return self._commands[program](words)

    def _rename(self, words: list[str]) -> list[str]:
        old, new = names_of("ren", words, "", 2, 2)
        if set(new) & set("\\/:"):
            raise Misuse(say("script.new_name_only", word=shown(new)))
        done = []
        for one in find(self.image, self.drives, old, shy=True):
            target = one.place.folder.below(renamed(one.place.name, new))
            if self.image.has_file(target.volume, target.path) and target.path.lower() != one.place.path.lower():
                raise Refused(say("script.exists", place=target), say("script.exists_next"))
            self.image.rename_file(one.place.volume, one.place.path, target.path)
            done.append(say("script.renamed", source=one.place, name=target.name))
        return done

    def _attrib(self, words: list[str]) -> list[str]:
        switches, names = split("attrib", words, "s d l")
        on = off = 0
        paths = []
        for name in names:
            change = re.fullmatch(r"([+-])([a-z]+)", name, re.IGNORECASE)
            if change is None:
                paths.append(name)
                continue
            for letter in change[2].lower():
                if letter not in _ATTRIBUTES:
                    raise Misuse(say("script.no_attribute", word=name))
                on, off = (on | _ATTRIBUTES[letter], off) if change[1] == "+" else (on, off | _ATTRIBUTES[letter])
        require_some("attrib", paths)
        done = []
        for one in [one for path in paths for one in self._with_attributes(path, switches)]:
            new = (one.entry.attributes | on) & ~off
            self.image.set_attributes(one.place.volume, one.place.path, new)
            done.append(say("script.attributes", place=one.place, letters=_letters(new)))
        return done

    def _with_attributes(self, word: str, switches: set[str]) -> list[Found]:
        if "s" not in switches:
            return find(self.image, self.drives, word, shy=True)
        place = self.drives.place(word)
        folders = [place.folder, *(one.place for one in below(self.image, place.folder) if one.entry.directory)]
        found = [one for folder in folders for one in children(self.image, folder, place.name)]
        return [one for one in found if "d" in switches or not one.entry.directory]

    def _make(self, words: list[str]) -> list[str]:
        done = []
        for name in names_of("md", words, "", 1, 99):
            place = self.drives.place(name)
            done += make_folders(self.image, place) or [say("script.folder_there", place=place)]
        return done

    def _change(self, words: list[str]) -> list[str]:
        switches, names = split("cd", words, "d")
        if not names:
            return []
        return [say("script.folder_now", place=self.drives.change_folder(" ".join(names), drive_too="d" in switches))]

    def _push(self, words: list[str]) -> list[str]:
        return [say("script.folder_now", place=self.drives.push(" ".join(names_of("pushd", words, "", 1, 9))))]

    def _pop(self, words: list[str]) -> list[str]:
        names_of("popd", words, "", 0, 0)
        self.drives.pop()
        return []


def _letters(attributes: int) -> str:
    return "".join(letter.upper() for letter, bit in _ATTRIBUTES.items() if attributes & bit) or "-"
