"""copy, xcopy and move on the volumes of a disk.

sources (a file, a pattern, a folder) -> where each goes -> written over, or new

A file that is written over keeps owner, ACL and hard links, as it does under Windows; a new one inherits
owner and ACL from its folder and has the attributes of the one it was copied from.
"""

from __future__ import annotations

from bootmend.commands.files import LARGEST_PUT
from bootmend.commands.places import Place, shown
from bootmend.commands.script.arguments import names_of, split
from bootmend.commands.script.drives import Drives
from bootmend.commands.script.patterns import (
    Found,
    below,
    children,
    files_of,
    find,
    is_folder,
    is_pattern,
    make_folders,
    renamed,
)
from bootmend.errors import InputError, Missing, Misuse, Refused
from bootmend.texts import say
from bootmend.volumes.volume import ARCHIVE, READ_ONLY
from bootmend.windows.image import Image


class Copying:
    def __init__(self, image: Image, drives: Drives) -> None:
        self.image = image
        self.drives = drives

    def copy(self, words: list[str]) -> list[str]:
        names = names_of("copy", words, "y -y v b a d n z", 1, 2)
        if any("+" in name for name in names):
            raise Misuse(say("script.joined_copy"))
        target = names[1] if len(names) == 2 else "."
        sources = files_of(self.image, self.drives, names[0], shy=False)
        return [self._copy_one(one, place) for one, place in self._targets(sources, target)]

    def xcopy(self, words: list[str]) -> list[str]:
        switches, names = split("xcopy", words, "y -y q f v c k j e s h i r")
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
        sources = files_of(self.image, self.drives, names[0], shy=shy)
        target = self.drives.place(target_word)
        if len(sources) == 1 and self.image.has_file(target.volume, target.path) and not is_folder(self.image, target):
            return [self._copy_one(sources[0], target, over="r" in switches)]
        if not is_folder(self.image, target):
            if not ("i" in switches or target_word.endswith("\\")):
                raise Misuse(say("script.file_or_folder", word=shown(target_word)))
            make_folders(self.image, target)
        return [self._copy_one(one, target.below(one.place.name), over="r" in switches) for one in sources]

    def move(self, words: list[str]) -> list[str]:
        names = names_of("move", words, "y -y", 1, 2)
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

    def _copy_tree(self, source: Place, target: Place, deep: bool, empty: bool, shy: bool, over: bool) -> list[str]:
        found = list(below(self.image, source) if deep else children(self.image, source))
        if target.volume == source.volume and f"{target.path}\\".lower().startswith(f"{source.path}\\".lower()):
            raise Misuse(say("script.into_itself", place=target))
        done = make_folders(self.image, target)
        for one in found:
            at = Place(target.volume, target.path.rstrip("\\") + one.place.path[len(source.path.rstrip("\\")) :])
            if one.entry.directory:
                done += make_folders(self.image, at) if deep and empty else []
            elif shy or not one.shy:
                done += make_folders(self.image, at.folder)
                done.append(self._copy_one(one, at, over=over))
        return done

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
