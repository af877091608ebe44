"""From a path to a file record: the walk through folders, and what stands at its end as an Entry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bootmend.binary import View
from bootmend.errors import InputError, Missing
from bootmend.texts import say
from bootmend.volumes.ntfs.index import DOS_NAME, Folders, IndexEntry
from bootmend.volumes.ntfs.mft import FIRST_USER_RECORD, NUMBER, ROOT, FileRecord, Mft
from bootmend.volumes.ntfs.records import DATA, FILE_NAME, REPARSE_POINT, STANDARD_INFORMATION
from bootmend.volumes.volume import DIRECTORY, Elsewhere, Entry

MAX_REPARSE = 16 << 10
_FORBIDDEN = frozenset('"*/:<>?|\\') | {chr(code) for code in range(32)}
_POINTS_ELSEWHERE = 0x20000000
"""The bit of a reparse tag that says: this name stands for another one (junction, symbolic link)."""
_REPARSE = 0x400
"""The DOS attribute of a file that has a reparse point; only then does an index entry hold a tag."""


@dataclass(frozen=True, slots=True)
class Place:
    """A name in a folder: `entry` is None where nothing has that name yet."""

    folder: FileRecord
    name: str
    entry: IndexEntry | None
    ancestors: tuple[int, ...]
    """References of the folders above, from the root."""


class Tree:
    def __init__(self, mft: Mft, folders: Folders) -> None:
        self._mft = mft
        self._folders = folders
        self._last: tuple[list[str], FileRecord, tuple[int, ...]] | None = None
        """Path and folder of the last look-up: whoever reads a folder's files asks for the same one each time."""

    def forget(self) -> None:
        self._last = None

    def file(self, path: str) -> FileRecord:
        """Raises Missing; Elsewhere where the way leads through a junction or a symbolic link."""
        if not parts(path):
            return self._mft.file(ROOT)
        entry = self.place(path).entry
        if entry is None:
            raise Missing(self._say("missing", path))
        return self._mft.file(entry.reference)

    def place(self, path: str) -> Place:
        """Raises Missing where the folder above does not exist."""
        names = parts(path)
        if not names:
            raise InputError(self._say("bad_name", path))
        if self._last is None or self._last[0] != names[:-1]:
            self._last = (names[:-1], *self._folder(names[:-1], path))
        _, folder, ancestors = self._last
        return Place(folder, names[-1], self._folders.find(folder, names[-1]), ancestors)

    def _folder(self, names: list[str], path: str) -> tuple[FileRecord, tuple[int, ...]]:
        """The folder that `names` lead to from the root, and the references of all on the way, its own included."""
        folder = self._mft.file(ROOT)
        ancestors = [folder.base.reference]
        for depth, name in enumerate(names):
            entry = self._folders.find(folder, name)
            if entry is None:
                raise Missing(self._say("missing", path))
            folder = self._mft.file(entry.reference)
            tag = self.reparse_tag(folder)
            if tag & _POINTS_ELSEWHERE:
                link = "\\" + "\\".join(names[: depth + 1])
                raise Elsewhere(say("ntfs.through_link", path=f"{self._mft.name}{path}", link=link, tag=tag))
            if not folder.directory:
                raise Missing(self._say("missing", path))
            ancestors.append(folder.base.reference)
        return folder, tuple(ancestors)

    def long_name(self, place: Place) -> str:
        """The name as Windows shows it, where `place` was reached by its 8.3 form."""
        assert place.entry is not None
        if place.entry.namespace != DOS_NAME:
            return place.entry.name
        for one in self._folders.walk(place.folder):
            if one.reference == place.entry.reference and one.namespace != DOS_NAME:
                return one.name
        return place.entry.name

    def list(self, folder: FileRecord) -> Iterator[Entry]:
        """Long names only, without the file system's own; sizes and times as the folder has them noted."""
        for one in self._folders.walk(folder):
            if one.namespace == DOS_NAME or one.reference & NUMBER < FIRST_USER_RECORD:
                continue
            directory = bool(one.attributes & 0x10000000)
            yield Entry(
                one.name,
                directory,
                0 if directory else one.size,
                one.reference,
                one.attributes & 0xFFFFFF | (DIRECTORY if directory else 0),
                one.reparse_tag if one.attributes & _REPARSE else 0,
                one.modified,
            )

    def entry(self, file: FileRecord, name: str) -> Entry:
        """The facts of the file itself, exact."""
        data = self._mft.stream(file, DATA)
        standard = file.first(STANDARD_INFORMATION)
        value = standard.value if standard else None
        if value is None:
            raise self._mft.raw(file.base.number).fail(0, "standard information")
        return Entry(
            name,
            file.directory,
            data.size if data else 0,
            file.base.reference,
            value.u32(0x20) & 0xFFFFFF | (DIRECTORY if file.directory else 0),
            self.reparse_tag(file),
            value.u64(8),
            _links(file),
        )

    def reparse(self, file: FileRecord) -> View | None:
        """The reparse point's data, its header included."""
        stream = self._mft.stream(file, REPARSE_POINT)
        if stream is None:
            return None
        return View(stream.read(0, min(stream.size, MAX_REPARSE)), f"{stream.what}:$REPARSE_POINT")

    def reparse_tag(self, file: FileRecord) -> int:
        if file.first(REPARSE_POINT) is None:
            return 0
        data = self.reparse(file)
        return data.u32(0, "a reparse tag") if data else 0

    def _say(self, key: str, path: str) -> str:
        return say(f"ntfs.{key}", path=f"{self._mft.name}{path}")


def _links(file: FileRecord) -> int:
    """Hard links; the record's own count takes an 8.3 name for one more."""
    values = [one.value for one in file.attributes if one.type == FILE_NAME and one.value is not None]
    return sum(value.u8(0x41, "a name's namespace") != DOS_NAME for value in values)


def parts(path: str) -> list[str]:
    return [part for part in path.split("\\") if part and part != "."]


def points_elsewhere(tag: int) -> bool:
    return bool(tag & _POINTS_ELSEWHERE)


def is_good_name(name: str) -> bool:
    """What Windows' own programs can open again: no reserved letter, no blank or dot at the end."""
    letters = len(name.encode("utf-16-le", "surrogatepass")) // 2
    return 0 < letters <= 255 and not _FORBIDDEN & set(name) and name[-1] not in " ."
