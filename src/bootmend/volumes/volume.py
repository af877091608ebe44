"""Volume: files by path, whatever the file system; the contract is tests/contracts/volume.py.

Paths are written as Windows writes them, from the volume's root, with backslashes
(``\\Windows\\System32``); they are looked up without regard to case, names keep theirs.
Offsets and lengths are in bytes. Reading never writes. The two ways to write:

* `write_in_place`: bytes of an existing file, straight onto the clusters it already owns
  (`extents`); the file system's own metadata and journal stay untouched.
* `replace`, `create`, `delete`, `mkdir`, `rename`, `set_attributes`: through the file system's engine;
  needs a device that is writable (an overlay) and a volume whose `state` allows it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from bootmend.disk.device import BlockDevice
from bootmend.errors import BootmendError, InputError, Missing, Refused

READ_ONLY, HIDDEN, SYSTEM, DIRECTORY, ARCHIVE = 0x1, 0x2, 0x4, 0x10, 0x20
"""DOS attributes."""
SETTABLE = READ_ONLY | HIDDEN | SYSTEM | ARCHIVE
"""Those that `attrib` sets and takes away."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in a folder."""

    name: str
    directory: bool
    size: int
    """Bytes as a program on Windows would read them (WOF files: decompressed)."""
    file_id: int
    """Equal for two names of one file (hard links); the MFT reference on NTFS, the first cluster on FAT."""
    attributes: int = 0
    reparse_tag: int = 0
    modified: int = 0
    """FILETIME: 100 ns since 1601-01-01 UTC; 0 if unknown."""
    links: int = 1


@dataclass(frozen=True, slots=True)
class Extent:
    """`length` bytes of a file at `file_offset` stand at `volume_offset` of the volume."""

    file_offset: int
    volume_offset: int
    length: int


@dataclass(frozen=True, slots=True)
class VolumeState:
    """What decides whether the file system's engine may write here."""

    dirty: bool = False
    """The volume's own dirty flag."""
    journal: str = "none"
    """NTFS $LogFile: clean, unclean, reset, unreadable; none where the file system has no journal."""
    journal_version: str = ""
    hibernated: bool = False


class Elsewhere(Missing):
    """The name is a link, or the way to it leads through one; links are not followed."""


class NotInPlace(BootmendError):
    """This file's bytes cannot be rewritten on the clusters it owns (resident, compressed, sparse, WOF, too short)."""


class Waiting(Refused):
    """A journal still holds a change that may give the file other clusters: to be replayed before it is written."""


class File(ABC):
    """An open file: random access, no cursor."""

    size: int

    @abstractmethod
    def read(self, offset: int, length: int) -> bytes:
        """`length` bytes from `offset`, fewer only at the end of the file."""


class Volume(ABC):
    kind: str
    """ntfs, fat12, fat16, fat32."""
    name: str
    """What errors call it."""
    label: str
    serial: int
    cluster_size: int
    device: BlockDevice

    @abstractmethod
    def state(self) -> VolumeState: ...

    @abstractmethod
    def listdir(self, path: str) -> list[Entry]:
        """Raises Missing if there is no such folder."""

    @abstractmethod
    def stat(self, path: str) -> Entry:
        """Raises Missing if there is no such file or folder."""

    @abstractmethod
    def open(self, path: str) -> File:
        """Raises Missing; WOF-compressed files read as their plain content."""

    @abstractmethod
    def extents(self, path: str) -> list[Extent]:
        """Where the file's bytes stand, ascending, up to its size. Raises NotInPlace with the reason."""

    @abstractmethod
    def replace(self, path: str, data: bytes) -> None:
        """New content for an existing file: same file record (all its hard links), owner, ACL, attributes."""

    @abstractmethod
    def create(self, path: str, data: bytes, like: str = "") -> None:
        """A new file; `like` names an existing file whose owner and ACL it gets (else the folder's)."""

    @abstractmethod
    def delete(self, path: str) -> None: ...

    @abstractmethod
    def mkdir(self, path: str) -> None:
        """A new folder; its parent must exist."""

    @abstractmethod
    def rename(self, path: str, new_path: str) -> None: ...

    @abstractmethod
    def set_attributes(self, path: str, attributes: int) -> None:
        """READ_ONLY, HIDDEN, SYSTEM and ARCHIVE become what `attributes` says; the other bits stay."""

    @abstractmethod
    def close(self) -> None:
        """Ends the engine's session; what it wrote is then on the device."""

    def read(self, path: str, limit: int = 1 << 30) -> bytes:
        """The whole file; more than `limit` bytes is refused before anything is read."""
        file = self.open(path)
        if file.size > limit:
            raise InputError(f"{self.name}{path}: {file.size} bytes are more than the {limit} expected here")
        return file.read(0, file.size)

    def prefetch(self, paths: Iterable[str]) -> None:  # noqa: ARG002
        """These files are about to be read: from a far disk they are fetched together. One that is bad is left out."""
        return

    def exists(self, path: str) -> bool:
        try:
            self.stat(path)
        except Missing:
            return False
        return True

    def write_in_place(self, path: str, offset: int, data: bytes) -> None:
        """`data` over the file's bytes from `offset`, on the clusters it owns; never beyond its size."""
        end = offset + len(data)
        pieces: list[tuple[int, bytes]] = []
        covered = 0
        for extent in self.extents(path):
            low = max(offset, extent.file_offset)
            high = min(end, extent.file_offset + extent.length)
            if low < high:
                pieces.append((extent.volume_offset + low - extent.file_offset, data[low - offset : high - offset]))
                covered += high - low
        if covered != len(data):
            raise NotInPlace(f"{self.name}{path}: bytes {offset:#x} to {end:#x} are not all on clusters it owns")
        for at, piece in pieces:
            self.device.write(at, piece)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self.close()
