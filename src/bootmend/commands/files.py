"""Files of a disk, looked at, taken and put back: what `bootmend files` does, without a terminal.

A file that exists keeps its record: owner, ACL, attributes and every hard link of it stay. A new one
gets owner and ACL of a file beside it. WOF-compressed files are read as their plain content.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from bootmend.commands.places import Place
from bootmend.errors import InputError, Missing, Misuse, ParseError, Refused
from bootmend.formats.pe import Pe
from bootmend.signing.hashing import image_hashes
from bootmend.texts import say
from bootmend.volumes.volume import ARCHIVE, HIDDEN, READ_ONLY, SYSTEM, Entry
from bootmend.windows.image import Image

STEP = 4 << 20
"""Bytes read at once."""
LARGEST_PUT = 1 << 30
LARGEST_PE = 256 << 20
"""An image above this is hashed as a file only."""

_LETTERS = ((READ_ONLY, "R"), (HIDDEN, "H"), (SYSTEM, "S"), (ARCHIVE, "A"))
REPARSE_KINDS = {
    0xA000000C: "symbolic link",
    0xA0000003: "junction",
    0x80000017: "wof",
    0x80000013: "deduplicated",
    0x8000001B: "app execution link",
    0x80000023: "unix socket",
    0xA000001D: "unix link",
}
"""[MS-FSCC] 2.1.2.1, those that occur on system disks."""
_CLOUD, _CLOUD_MASK = 0x9000001A, 0xFFFF0FFF
"""IO_REPARSE_TAG_CLOUD and its sixteen variants."""


def attribute_letters(attributes: int) -> str:
    """`RHSA` as attrib writes them, a dash for each that is off."""
    return "".join(letter if attributes & bit else "-" for bit, letter in _LETTERS)


def reparse_kind(tag: int) -> str:
    """What a reparse point is; empty where there is none."""
    if tag & _CLOUD_MASK == _CLOUD:
        return "cloud"
    return REPARSE_KINDS.get(tag, f"{tag:#010x}") if tag else ""


def list_files(image: Image, place: Place) -> list[Entry]:
    """What stands in a folder, by name; or the one file that `place` names. Raises Missing."""
    volume = image.volume(place.volume)
    found = volume.stat(place.path)
    if not found.directory or reparse_kind(found.reparse_tag) in ("symbolic link", "junction"):
        return [found]
    return sorted(volume.listdir(place.path), key=lambda entry: entry.name.lower())


def read_file(image: Image, place: Place) -> Iterator[bytes]:
    """The content, piece by piece. Raises Missing, and InputError for a folder."""
    _require_file(image, place)
    file = image.volume(place.volume).open(place.path)
    for at in range(0, file.size, STEP):
        piece = file.read(at, min(STEP, file.size - at))
        if not piece:
            raise ParseError(str(place), at, f"{file.size} bytes of content")
        yield piece


def put_file(image: Image, place: Place, data: bytes, *, create: bool) -> str:
    """`data` as the whole content of a file; what was done, in a sentence.

    Raises Missing where there is no such file (and not `create`) or folder, InputError for a folder,
    Refused where the volume is full or may not be changed.
    """
    if len(data) > LARGEST_PUT:
        raise Refused(say("files.too_large", size=len(data), most=LARGEST_PUT))
    volume = image.volume(place.volume)
    if volume.exists(place.path):
        _require_file(image, place)
        image.put_file(place.volume, place.path, data)
        return say("files.replaced", place=place, size=len(data))
    _require_folder(image, place.folder)
    if not create:
        raise Missing(say("files.no_such_file", place=place))
    sibling = sibling_of(image, place)
    image.create_file(place.volume, place.path, data, like=sibling)
    return say("files.created", place=place, size=len(data))


def remove(image: Image, place: Place) -> str:
    """Takes one name away; the file goes with its last. Raises Missing, Refused for a folder with something in it."""
    if place.path == "\\":
        raise Misuse(say("files.root"))
    links = image.volume(place.volume).stat(place.path).links
    image.delete_file(place.volume, place.path)
    return say("files.removed_name" if links > 1 else "files.removed", place=place, left=links - 1)


def sibling_of(image: Image, place: Place) -> str:
    """A file in the same folder whose owner and ACL a new one gets, one of its own kind first; empty where none is."""
    names = [
        e.name for e in image.volume(place.volume).listdir(place.folder.path) if not (e.directory or e.reparse_tag)
    ]
    kind = place.name.rpartition(".")[2].lower()
    names.sort(key=lambda name: (name.rpartition(".")[2].lower() != kind, name.lower()))
    return place.folder.below(names[0]).path if names else ""


@dataclass(frozen=True, slots=True)
class Hashes:
    """Lower-case hexadecimal; the Authenticode hashes are empty where the file is no PE image."""

    size: int
    sha1: str
    sha256: str
    authenticode_sha1: str = ""
    authenticode_sha256: str = ""


def hash_file(image: Image, place: Place) -> Hashes:
    """Hashes of the plain content. Raises Missing, InputError."""
    sha1, sha256 = hashlib.sha1(usedforsecurity=False), hashlib.sha256()
    size, kept = 0, bytearray()
    for piece in read_file(image, place):
        if kept or (not size and piece[:2] == b"MZ"):
            kept += piece
        size += len(piece)
        if size > LARGEST_PE:
            kept.clear()
        sha1.update(piece)
        sha256.update(piece)
    plain = Hashes(size, sha1.hexdigest(), sha256.hexdigest())
    try:
        content = bytes(kept)
        signed = image_hashes(content, Pe.parse(content, str(place))) if kept else None
    except ParseError:
        return plain
    if signed is None:
        return plain
    return Hashes(size, plain.sha1, plain.sha256, signed.sha1.hex(), signed.sha256.hex())


def _require_file(image: Image, place: Place) -> None:
    if image.volume(place.volume).stat(place.path).directory:
        raise InputError(say("files.is_folder", place=place))


def _require_folder(image: Image, folder: Place) -> None:
    try:
        found = image.volume(folder.volume).stat(folder.path)
    except Missing as error:
        raise Missing(say("files.no_such_folder", place=folder)) from error
    if not found.directory:
        raise InputError(say("files.is_file", place=folder))
