"""cmd's own words for files, on the volumes of a disk: copy, xcopy, ren, move, del, attrib, md, rd, cd.

words -> switches and names -> what they name (patterns) -> edits of the image -> a sentence each

As in a batch file nobody is asked before something is overwritten. A file that is written over keeps owner,
ACL and hard links, as it does under Windows; a new one inherits them from its folder.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from bootmend.commands.files import LARGEST_PUT
from bootmend.commands.places import Place, shown
from bootmend.commands.script.drives import Drives
from bootmend.commands.script.patterns import Found, below, children, find, is_folder, is_pattern, renamed
from bootmend.errors import InputError, Missing, Misuse, Refused
from bootmend.texts import say
from bootmend.volumes.volume import ARCHIVE, HIDDEN, READ_ONLY, SYSTEM
from bootmend.windows.image import Image

MOST_BYTES = 4 << 30
"""What one line may copy."""

_ATTRIBUTES = {"r": READ_ONLY, "h": HIDDEN, "s": SYSTEM, "a": ARCHIVE}
_XCOPY_QUIET = {"y", "-y", "q", "f", "v", "c", "k", "o", "x", "b", "j", "z", "l"} - {"l", "x", "o", "z", "b"}


class FileWords:
    """One script's file commands; `run` gives a sentence for each thing done."""

    def __init__(self, image: Image, drives: Drives) -> None:
        self.image = image
        self.drives = drives
        self._commands: dict[str, Callable[[list[str]], list[str]]] = {
            "copy": self._copy,
            "xcopy": self._xcopy,
            "ren": self._rename,
            "rename": self._rename,
            "move": self._move,
            "del": self._delete,
            "erase": self._delete,
            "attrib": self._attrib,
            "md": self._make,
            "mkdir": self._make,
            "rd": self._remove_folder,
            "rmdir": self._remove_folder,
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

    def _copy(self, words: list[str]) -> list[str]:
        names = _names("copy", words, "y -y v b a d n z", 1, 2)
        if any("+" in name for name in names):
            raise Misuse(say("script.joined_copy"))
        target = names[1] if len(names) == 2 else "."
        sources = self._files(names[0], shy=False)
        return [self._copy_one(one, place) for one, place in self._targets(sources, target)]

    def _xcopy(self, words: list[str]) -> list[str]:
        switches, names = _split("xcopy", words, "y -y q f v c k j e s h i r")
        if len(names) not in (1, 2):
            raise Misuse(say("script.word_count", program="xcopy", least=1, most=2))
        target_word = names[1] if len(names) == 2 else "."
        deep, empty, shy = bool(switches & {"s", "e"}), "e" in switches, "h" in switches
        source = self.drives.place(names[0])
        if is_folder(self.image, source):
            target = self.drives.place(target_word)
            if not is_folder(self.image, target) and not (switches & {"i"} or target_word.endswith("\\") or deep):
                raise Misuse(say("script.file_or_folder", word=shown(target_word)))
            return self._copy_tree(source, target, deep, empty, shy, "r" in switches)
        sources = self._files(names[0], shy=shy)
        target = self.drives.place(target_word)
        if not is_folder(self.image, target):
            if not ("i" in switches or target_word.endswith("\\")):
                raise Misuse(say("script.file_or_folder", word=shown(target_word)))
            self._make_folders(target)
        return [self._copy_one(one, target.below(one.place.name), over="r" in switches) for one in sources]

    def _copy_tree(self, source: Place, target: Place, deep: bool, empty: bool, shy: bool, over: bool) -> list[str]:
        found = list(below(self.image, source) if deep else children(self.image, source))
        if target.volume == source.volume and f"{target.path}\\".lower().startswith(f"{source.path}\\".lower()):
            raise Misuse(say("script.into_itself", place=target))
        done = self._make_folders(target)
        for one in found:
            at = Place(target.volume, target.path.rstrip("\\") + one.place.path[len(source.path.rstrip("\\")) :])
            if one.entry.directory:
                done += self._make_folders(at) if deep and empty else []
            elif shy or not one.shy:
                done += self._make_folders(at.folder)
                done.append(self._copy_one(one, at, over=over))
        return done

    def _files(self, word: str, *, shy: bool) -> list[Found]:
        """The files that a word names; of a folder, those in it."""
        found = find(self.image, self.drives, word, shy=shy)
        if len(found) == 1 and found[0].entry.directory and not is_pattern(word):
            found = children(self.image, found[0].place)
        files = [one for one in found if not one.entry.directory]
        if not files:
            raise Missing(say("script.nothing_fits", place=self.drives.place(word)))
        if sum(one.entry.size for one in files) > MOST_BYTES:
            raise Refused(say("script.too_much", most=MOST_BYTES))
        return files

    def _targets(self, sources: list[Found], word: str) -> list[tuple[Found, Place]]:
        """Where each source goes: into a folder, or (one alone) to a name."""
        if is_pattern(word):
            head, _, pattern = word.replace("/", "\\").rpartition("\\")
            folder = self.drives.place(f"{head}\\" if head else ".")
            return [(one, folder.below(renamed(one.place.name, pattern))) for one in sources]
        target = self.drives.place(word)
        if is_folder(self.image, target):
            return [(one, target.below(one.place.name)) for one in sources]
        if word.endswith(("\\", "/")) or not is_folder(self.image, target.folder):
            missing = target if word.endswith(("\\", "/")) else target.folder
            raise Missing(say("files.no_such_folder", place=missing))
        if len(sources) > 1:
            raise Misuse(say("script.many_onto_one", count=len(sources), place=target))
        return [(sources[0], target)]

    def _copy_one(self, source: Found, target: Place, *, over: bool = False) -> str:
        if (source.place.volume, source.place.path.lower()) == (target.volume, target.path.lower()):
            raise Misuse(say("script.onto_itself", place=target))
        data = self.image.volume(source.place.volume).read(source.place.path, LARGEST_PUT)
        volume = self.image.volume(target.volume)
        if volume.exists(target.path):
            self._require_writable(target, over)
            self.image.put_file(target.volume, target.path, data)
            return say("script.copied_over", source=source.place, target=target, size=len(data))
        self.image.create_file(target.volume, target.path, data)
        self.image.set_attributes(target.volume, target.path, source.entry.attributes | ARCHIVE)
        return say("script.copied", source=source.place, target=target, size=len(data))

    def _require_writable(self, place: Place, over: bool = False) -> None:
        entry = self.image.volume(place.volume).stat(place.path)
        if entry.directory:
            raise InputError(say("files.is_folder", place=place))
        if entry.attributes & READ_ONLY:
            if not over:
                raise Refused(say("script.read_only", place=place), say("script.read_only_next"))
            self.image.set_attributes(place.volume, place.path, entry.attributes & ~READ_ONLY)

    def _rename(self, words: list[str]) -> list[str]:
        old, new = _names("ren", words, "", 2, 2)
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

    def _move(self, words: list[str]) -> list[str]:
        names = _names("move", words, "y -y", 1, 2)
        found = find(self.image, self.drives, names[0], shy=not is_pattern(names[0]))
        done = []
        for one, target in self._targets(found, names[1] if len(names) == 2 else "."):
            if (one.place.volume, one.place.path.lower()) == (target.volume, target.path.lower()):
                raise Misuse(say("script.onto_itself", place=target))
            if one.place.volume != target.volume:
                if one.entry.directory:
                    raise Refused(say("script.folder_across", place=one.place), say("script.folder_across_next"))
                self._copy_one(one, target)
                self.image.delete_file(one.place.volume, one.place.path)
            else:
                if self.image.has_file(target.volume, target.path):
                    self._require_writable(target)
                    self.image.delete_file(target.volume, target.path)
                self.image.rename_file(one.place.volume, one.place.path, target.path)
            done.append(say("script.moved", source=one.place, target=target))
        return done

    def _delete(self, words: list[str]) -> list[str]:
        switches, names = _split("del", words, "f s q a", valued="a")
        if not names:
            raise Misuse(say("script.word_count", program="del", least=1, most=99))
        shy = any(switch.startswith("a") for switch in switches)
        if shy and switches & {one for one in switches if one.startswith("a:") and one.strip("a:-") != ""}:
            raise Misuse(say("script.del_by_attribute"))
        files: list[Found] = []
        for name in names:
            if "s" in switches:
                place = self.drives.place(name)
                folder, pattern = (place, "*") if is_folder(self.image, place) else (place.folder, place.name)
                folders = [folder, *(one.place for one in below(self.image, folder) if one.entry.directory)]
                fits = [one for each in folders for one in children(self.image, each, pattern)]
                files += [one for one in fits if not one.entry.directory and (shy or not one.shy)]
            else:
                files += self._files(name, shy=shy)
        if not files:
            raise Missing(say("script.nothing_fits", place=self.drives.place(names[0])))
        for one in files:
            if one.entry.attributes & READ_ONLY and "f" not in switches:
                raise Refused(say("script.read_only", place=one.place), say("script.read_only_delete"))
        for one in files:
            self.image.delete_file(one.place.volume, one.place.path)
        return [say("script.deleted", place=one.place) for one in files]

    def _attrib(self, words: list[str]) -> list[str]:
        switches, names = _split("attrib", words, "s d l")
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
        if not paths:
            raise Misuse(say("script.word_count", program="attrib", least=1, most=99))
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
        for name in _names("md", words, "", 1, 99):
            place = self.drives.place(name)
            done += self._make_folders(place) or [say("script.folder_there", place=place)]
        return done

    def _make_folders(self, place: Place) -> list[str]:
        """The folder and those above it, as far as they are missing."""
        if place.path == "\\":
            return []
        volume = self.image.volume(place.volume)
        if volume.exists(place.path):
            if not volume.stat(place.path).directory:
                raise InputError(say("files.is_file", place=place))
            return []
        done = self._make_folders(place.folder)
        self.image.make_folder(place.volume, place.path)
        return [*done, say("script.folder_made", place=place)]

    def _remove_folder(self, words: list[str]) -> list[str]:
        switches, names = _split("rd", words, "s q")
        if not names:
            raise Misuse(say("script.word_count", program="rd", least=1, most=99))
        done = []
        for name in names:
            place = self.drives.place(name)
            if not self.image.volume(place.volume).stat(place.path).directory:
                raise InputError(say("files.is_file", place=place))
            inside = list(below(self.image, place)) if "s" in switches else []
            for one in reversed(inside):
                self.image.delete_file(one.place.volume, one.place.path)
            self.image.delete_file(place.volume, place.path)
            done.append(say("script.folder_deleted", place=place, count=len(inside)))
        return done

    def _change(self, words: list[str]) -> list[str]:
        switches, names = _split("cd", words, "d")
        if not names:
            return []
        return [say("script.folder_now", place=self.drives.change_folder(" ".join(names), drive_too="d" in switches))]

    def _push(self, words: list[str]) -> list[str]:
        return [say("script.folder_now", place=self.drives.push(" ".join(_names("pushd", words, "", 1, 9))))]

    def _pop(self, words: list[str]) -> list[str]:
        _names("popd", words, "", 0, 0)
        self.drives.pop()
        return []


def _letters(attributes: int) -> str:
    return "".join(letter.upper() for letter, bit in _ATTRIBUTES.items() if attributes & bit) or "-"


def _split(program: str, words: list[str], known: str, valued: str = "") -> tuple[set[str], list[str]]:
    """(switches in lower case without the slash, the other words). Raises Misuse naming an unknown switch."""
    allowed = known.split()
    switches, names = set(), []
    for word in words:
        if not word.startswith("/") or len(word) > 12:
            names.append(word)
            continue
        switch = word[1:].lower()
        if switch not in allowed and not (valued and switch.startswith(valued)):
            listed = " ".join(f"/{one}" for one in allowed)
            raise Misuse(say("script.no_switch", program=program, word=word, known=listed or "-"))
        switches.add(switch)
    return switches, names


def _names(program: str, words: list[str], known: str, least: int, most: int) -> list[str]:
    _, names = _split(program, words, known)
    if not least <= len(names) <= most:
        raise Misuse(say("script.word_count", program=program, least=least, most=most))
    return names
