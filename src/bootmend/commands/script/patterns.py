"""Files that a word of cmd names: one path, or a pattern with `*` and `?` in its last part."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bootmend.commands.places import Place
from bootmend.commands.script.drives import Drives
from bootmend.errors import InputError, Missing, Misuse, Refused
from bootmend.texts import say
from bootmend.volumes.volume import HIDDEN, SYSTEM, Entry
from bootmend.windows.image import Image

MOST_FILES = 20_000
"""What one line may touch: more is a mistake, or somebody's whole disk."""
DEEPEST = 128
MOST_BYTES = 4 << 30
"""What one line may copy."""


@dataclass(frozen=True, slots=True)
class Found:
    place: Place
    entry: Entry

    @property
    def shy(self) -> bool:
        """Hidden or system: patterns pass it by, as cmd does."""
        return bool(self.entry.attributes & (HIDDEN | SYSTEM))


def is_pattern(word: str) -> bool:
    return "*" in word or "?" in word


def find(image: Image, drives: Drives, word: str, *, shy: bool = False) -> list[Found]:
    """What a word names, at least one. A file named in full is taken whatever its attributes. Raises Missing."""
    place = drives.place(word)
    if not is_pattern(place.path):
        return [Found(place, image.volume(place.volume).stat(place.path))]
    if is_pattern(place.folder.path):
        raise Misuse(say("script.pattern_in_folder", word=word))
    found = [one for one in children(image, place.folder, place.name) if shy or not one.shy]
    if not found:
        raise Missing(say("script.nothing_fits", place=place))
    return found


def children(image: Image, folder: Place, pattern: str = "*") -> list[Found]:
    """Files and folders in a folder that fit, by name."""
    fits = _compiled(pattern)
    entries = [entry for entry in image.volume(folder.volume).listdir(folder.path) if fits.fullmatch(entry.name)]
    if len(entries) > MOST_FILES:
        raise Refused(say("script.too_many_files", place=folder, most=MOST_FILES))
    return [Found(folder.below(entry.name), entry) for entry in sorted(entries, key=lambda one: one.name.lower())]


def below(image: Image, folder: Place, depth: int = 0) -> Iterator[Found]:
    """Everything in a folder, each folder before what is in it; links are not followed."""
    if depth > DEEPEST:
        raise InputError(say("script.too_deep", place=folder))
    for one in children(image, folder):
        yield one
        if one.entry.directory and not one.entry.reparse_tag:
            yield from below(image, one.place, depth + 1)


def files_of(image: Image, drives: Drives, word: str, *, shy: bool) -> list[Found]:
    """The files that a word names; of a folder, those in it. Raises Missing, Refused where they are too much."""
    found = find(image, drives, word, shy=shy)
    if len(found) == 1 and found[0].entry.directory and not is_pattern(word):
        found = [one for one in children(image, found[0].place) if shy or not one.shy]
    files = [one for one in found if not one.entry.directory]
    if not files:
        raise Missing(say("script.nothing_fits", place=drives.place(word)))
    if sum(one.entry.size for one in files) > MOST_BYTES:
        raise Refused(say("script.too_much", most=MOST_BYTES))
    return files


def make_folders(image: Image, place: Place) -> list[str]:
    """The folder and those above it, as far as they are missing; a sentence for each."""
    if place.path == "\\":
        return []
    volume = image.volume(place.volume)
    if volume.exists(place.path):
        if not volume.stat(place.path).directory:
            raise InputError(say("files.is_file", place=place))
        return []
    done = make_folders(image, place.folder)
    image.make_folder(place.volume, place.path)
    return [*done, say("script.folder_made", place=place)]


def is_folder(image: Image, place: Place) -> bool:
    try:
        return image.volume(place.volume).stat(place.path).directory
    except Missing:
        return False


def renamed(name: str, pattern: str) -> str:
    """The new name by a pattern such as `*.bak`: `*` stands for the old name's part. Raises Misuse for others."""
    if not is_pattern(pattern):
        return pattern
    base, dot, extension = name.rpartition(".")
    if not dot:
        base, extension = name, ""
    new_base, new_dot, new_extension = pattern.rpartition(".")
    if not new_dot:
        new_base, new_extension = pattern, ""
    parts = [old if new == "*" else new for new, old in ((new_base, base), (new_extension, extension))]
    if any(is_pattern(part) for part in parts):
        raise Misuse(say("script.rename_pattern", word=pattern))
    return parts[0] + (f".{parts[1]}" if new_dot and parts[1] else "")


def _compiled(pattern: str) -> re.Pattern[str]:
    r"""`*.*` is everything, `*.` a name without a dot; stars in a row are one, so that matching stays short."""
    if pattern in ("*", "*.*"):
        return re.compile(".*", re.DOTALL)
    pattern = re.sub(r"\*+", "*", pattern)
    if pattern.count("*") > 4:
        raise Misuse(say("script.pattern", word=pattern[:80]))
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(letter, re.escape(letter)) for letter in pattern), re.IGNORECASE | re.DOTALL)
