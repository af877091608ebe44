r"""Where a word on the command line points to on a disk: `\Windows\...`, `3:\EFI\...`, `C:\...`.

    \Windows\System32     on the volume of the Windows that boots
    3:\EFI\Microsoft      on partition 3
    C:\Windows            on the volume that this Windows itself calls C:

Only the place is worked out here; whether anything stands there is the volume's answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bootmend.errors import Missing, Misuse
from bootmend.signing.roots import Trust
from bootmend.texts import say
from bootmend.windows.discovery import find_windows
from bootmend.windows.donor import Given
from bootmend.windows.image import Image

LONGEST_PATH = 32767
"""UTF-16 units that Windows itself takes."""
_QUALIFIED = re.compile(r"([0-9]{1,4}|[A-Za-z]):(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Place:
    """A path on the volume in partition number `volume`; `\\` is its root."""

    volume: int
    path: str

    def __str__(self) -> str:
        return f"{self.volume}:{self.path}"

    @property
    def name(self) -> str:
        return self.path.rpartition("\\")[2]

    @property
    def folder(self) -> Place:
        return Place(self.volume, self.path.rpartition("\\")[0] or "\\")

    def below(self, name: str) -> Place:
        return Place(self.volume, f"{self.path.rstrip(chr(92))}\\{name}")


def find_place(image: Image, word: str) -> Place:
    """Raises Misuse where `word` is no path, Missing where the disk has no such partition, letter or Windows."""
    qualified = _QUALIFIED.fullmatch(word)
    prefix, path = (qualified[1], qualified[2]) if qualified else ("", word)
    path = normal_path(path, word)
    if prefix.isdecimal():
        number = int(prefix)
        image.content(number)
        return Place(number, path)
    windows = find_windows(image, Given(Trust()))[0]
    if not prefix:
        return Place(windows.volume, path)
    letter = f"{prefix.upper()}:"
    if letter not in windows.letters:
        raise Missing(say("files.no_letter", letter=letter, known=", ".join(sorted(windows.letters))))
    return Place(windows.letters[letter], path)


def normal_path(path: str, word: str) -> str:
    r"""`path` from the root, with backslashes, without `.` and `..`; Misuse where it is none (`word` is shown)."""
    path = path.replace("/", "\\")
    if not path.startswith("\\"):
        raise Misuse(say("files.not_from_root", word=shown(word)))
    if len(path) > LONGEST_PATH or any(ord(letter) < 32 or letter in '<>|"*?' for letter in path):
        raise Misuse(say("files.no_path", word=shown(word)))
    if ":" in path:
        raise Misuse(say("files.stream", word=shown(word)))
    return "\\" + "\\".join(folded(path))


def folded(path: str) -> list[str]:
    """The parts of a path, `.` and `..` resolved as Windows does, before it looks at the disk."""
    parts: list[str] = []
    for part in path.split("\\"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return parts


def shown(word: str) -> str:
    """A word of the user's in a message: never longer than a line."""
    return word if len(word) <= 120 else word[:117] + "..."
