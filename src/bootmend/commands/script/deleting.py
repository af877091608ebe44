"""del and rd on the volumes of a disk."""

from __future__ import annotations

from bootmend.commands.script.arguments import require_some, split
from bootmend.commands.script.drives import Drives
from bootmend.commands.script.patterns import Found, below, children, files_of, is_folder
from bootmend.errors import InputError, Missing, Misuse, Refused
from bootmend.texts import say
from bootmend.volumes.volume import READ_ONLY
from bootmend.windows.image import Image


class Deleting:
    def __init__(self, image: Image, drives: Drives) -> None:
        self.image = image
        self.drives = drives

    def delete(self, words: list[str]) -> list[str]:
        switches, names = split("del", words, "f s q a", valued="a")
        require_some("del", names)
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
                files += files_of(self.image, self.drives, name, shy=shy)
        if not files:
            raise Missing(say("script.nothing_fits", place=self.drives.place(names[0])))
        for one in files:
            if one.entry.attributes & READ_ONLY and "f" not in switches:
                raise Refused(say("script.read_only", place=one.place), say("script.read_only_delete"))
        for one in files:
            self.image.delete_file(one.place.volume, one.place.path)
        return [say("script.deleted", place=one.place) for one in files]

    def remove_folder(self, words: list[str]) -> list[str]:
        switches, names = split("rd", words, "s q")
        require_some("rd", names)
        done = []
        places = [self.drives.place(name) for name in names]
        for place in places:  # all are looked at before the first goes
            if not self.image.volume(place.volume).stat(place.path).directory:
                raise InputError(say("files.is_file", place=place))
        for place in places:
            inside = list(below(self.image, place)) if "s" in switches else []
            for one in reversed(inside):
                self.image.delete_file(one.place.volume, one.place.path)
            self.image.delete_file(place.volume, place.path)
            done.append(say("script.folder_deleted", place=place, count=len(inside)))
        return done
