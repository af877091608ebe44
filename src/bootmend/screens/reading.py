"""The story: a picture in, a Screen out.

    1. The whole picture is read at two sizes; what the phrases on it say makes the kind.
    2. Where no phrase is known, it is read again: in Korean, then as one block, then by the second engine.
    3. A code that these readings do not agree on is looked at closely: the fine print alone, at four sizes.
    4. A code, a status or a file is told when two readings hold it and none holds another one.

Without any text the pixels alone tell black and logo. "unsure" is an answer: a wrong code is worse than none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from bootmend.errors import InputError
from bootmend.screens import codes
from bootmend.screens.files import files, is_known
from bootmend.screens.lines import Line, Reading
from bootmend.screens.looks import on_blue, on_paper, without_text
from bootmend.screens.phrases import Seen, folded, torn, what_screen
from bootmend.screens.picture import Box, Picture, open_picture
from bootmend.screens.qr import says_stop
from bootmend.screens.rapid import second_engine
from bootmend.screens.screen import Kind, Screen
from bootmend.screens.tesseract import Tesseract
from bootmend.screens.votes import AGREE, Votes

WIDTHS = (2048, 3072)
"""A whole picture is read at about these widths."""
LARGEST = 4.0
CLOSE = (3000, 2300, 3800, 4600)
"""The widths of a close look."""
CLOSEST = 6.0
TEXT = 12
"""A line of so many letters is no noise out of a QR code."""
CODED = (Kind.BOOT_MANAGER, Kind.RECOVERY, Kind.UPDATING)
"""Kinds that show an NTSTATUS."""
PAINTED = (
    Kind.STOP,
    Kind.BOOT_MANAGER,
    Kind.RECOVERY,
    Kind.BIOS,
    Kind.MENU,
    Kind.STUCK,
    Kind.UPDATING,
    Kind.GETTING_READY,
)
"""Kinds that are light text on a dark or coloured ground, always."""

_FINE_PRINT = ("stopcode", "formorelnformatlonaboutth", "supportperson", folded("에 대한 자세한"), folded("담당자"))
"""Folded pieces of the lines beside the QR code, above or at the stop code."""
_STATUS_SHOWN = re.compile(r"status|error code|상태|오류 코드|error c0", re.IGNORECASE)
_STOP_LINE = re.compile(r"^\W*st[o0]p\W{1,3}\w{10} ?\(\w{8,18},( ?\w{8,18},){2} ?\w{8,18}\)", re.IGNORECASE)
_PROMPT = re.compile(r"(?:PS )?[A-Z]:\\[^<>|]{0,80}>|[\w.-]+@[\w.-]+ ?:[^\s]* ?[$#]")
"""Somebody types: what stands there is a text about a screen."""
_PERCENT = re.compile(r"\b(\d{1,3}) ?%")


@dataclass(slots=True)
class _Found:
    """What the readings so far hold."""

    seen: Seen | None = None
    lines: Reading = ()
    torn: bool = False
    stops: Votes[int] = field(default_factory=Votes)
    statuses: Votes[int] = field(default_factory=Votes)
    files: Votes[str] = field(default_factory=Votes)
    percents: Votes[int] = field(default_factory=Votes)

    def take(self, reading: Reading) -> None:
        lines = [line.text for line in reading]
        seen = what_screen(lines)
        self.torn = self.torn or torn(lines)
        if seen and (self.seen is None or (self.seen.language is None and seen.language is not None)):
            self.seen = seen
        if len("".join(lines)) > sum(len(line.text) for line in self.lines):
            self.lines = reading
        self.stops.add(codes.stop_codes(lines))
        self.statuses.add(codes.statuses(lines))
        self.files.add(files(lines))
        self.percents.add(int(found[1]) for line in lines if (found := _PERCENT.search(line)) and int(found[1]) <= 100)


def read_screen(data: bytes, name: str = "picture") -> Screen:
    """The screen on a picture (PNG, JPEG, BMP, GIF, WebP), given as the bytes of its file.

    `ParseError`: it is no picture, cut off, or larger than a screen. `Unequipped`: tesseract or Pillow is missing.
    """
    picture = open_picture(data, name)
    engine = Tesseract()
    found = _Found()
    for width in WIDTHS:
        found.take(engine.read(picture.view(_scale(picture, width))))
    if not _has_text(found.lines):
        kind = None if picture.moves else without_text(picture)
        return Screen(name, kind or Kind.OTHER, sure=kind is not None)
    if found.seen is None or found.seen.language is None:
        with suppress(InputError):  # an engine that gives up on noise: what was read so far stays
            for reading in _other_readings(picture, engine):
                found.take(reading)
                if found.seen is not None and found.seen.language is not None:
                    break
    kind = _kind(picture, found)
    with suppress(InputError):
        for reading in _close_readings(picture, kind, engine, found):
            found.take(reading)
            if _settled(kind, found):
                break
    return _told(picture, kind, found)


def _scale(picture: Picture, width: int) -> float:
    return min(LARGEST, max(1.0, width / picture.width))


def _letters(line: Line) -> int:
    return sum(sign.isalnum() for sign in line.text)


def _has_text(lines: Reading) -> bool:
    return any(_letters(line) >= 4 for line in lines)


def _other_readings(picture: Picture, engine: Tesseract) -> Iterator[Reading]:
    if engine.knows_korean:
        yield engine.read(picture.view(_scale(picture, WIDTHS[0])), korean=True)
        yield engine.read(picture.view(_scale(picture, WIDTHS[1])), korean=True)
    yield engine.read(picture.view(_scale(picture, WIDTHS[1])), sparse=False)
    other = second_engine()
    if other:
        yield other.read(picture.view(1.0))


def _kind(picture: Picture, found: _Found) -> Kind | None:
    """What the phrases say; a QR code of Windows makes a stop screen, a mere code never does.

    Up to Windows 7 it is white on blue, with a line of its own for the code and its four parameters.
    """
    if found.seen:
        return found.seen.kind
    if any(_STOP_LINE.search(line.text) for line in found.lines) and on_blue(picture):
        return Kind.STOP
    if says_stop(picture):
        return Kind.STOP
    return None


def _settled(kind: Kind | None, found: _Found) -> bool:
    if kind is Kind.STOP:
        return found.stops.winner is not None or found.stops.split
    if kind in CODED:
        return found.statuses.winner is not None or found.statuses.split or not _needs_status(kind, found)
    return True


def _needs_status(kind: Kind | None, found: _Found) -> bool:
    """The boot manager always gives one, but for BitLocker's screens; others where the word before it was read."""
    if kind in (Kind.BOOT_MANAGER, Kind.RECOVERY) and not (found.seen and found.seen.detail):
        return True
    return _status_shown(found.lines)


def _status_shown(lines: Reading) -> bool:
    return any(_STATUS_SHOWN.search(line.text) for line in lines)


def _close_readings(picture: Picture, kind: Kind | None, engine: Tesseract, found: _Found) -> Iterator[Reading]:
    """Nothing where all is settled; else the part that matters, at other sizes, and the second engine last.

    On a Korean screen every other reading knows Hangul: Latin codes are read better without it.
    """
    if _settled(kind, found):
        return
    box = _fine_print(picture, found.lines) if kind is Kind.STOP else (0, 0, picture.width, picture.height)
    korean = found.seen is not None and found.seen.language == "ko"
    for at, width in enumerate(CLOSE):
        scale = min(CLOSEST, max(1.0, width / (box[2] - box[0])))
        yield engine.read(picture.view(scale, box), korean=korean and at % 2 == 0, sparse=False)
    other = second_engine()
    if other:
        yield other.read(picture.view(2.0, box))
        yield other.read(picture.view(3.0, box))


def _fine_print(picture: Picture, lines: Sequence[Line]) -> Box:
    """From the first line beside the QR code down; where none was read, the lower part, from its longer lines on."""
    lower = [line for line in lines if line.top > picture.height * 2 // 5 and _letters(line) >= TEXT]
    first = next((line for line in lines if any(piece in folded(line.text) for piece in _FINE_PRINT)), None)
    if first:
        lower = [line for line in lower if line.top > first.top] + [first]
    if not lower:
        return (0, picture.height // 3, picture.width, picture.height)
    margin = max(4, lower[-1].bottom - lower[-1].top)
    left = max(0, min(line.left for line in lower) - margin)
    top = max(0, min(line.top for line in lower) - margin)
    return (left, top, picture.width, picture.height)


def _told(picture: Picture, kind: Kind | None, found: _Found) -> Screen:
    stop = found.stops.winner if kind is Kind.STOP else None
    status = found.statuses.winner if kind is Kind.STOP or kind in CODED else None
    if stop is not None and codes.is_status(stop):
        status = stop
    shows_code = kind is Kind.STOP and not (found.seen and found.seen.detail)
    sure = kind is not None and not found.torn
    quoted = any(_PROMPT.match(line.text) for line in found.lines)
    if kind in PAINTED and (quoted or on_paper(picture, found.lines)):
        kind, sure = None, False
    if kind is None or found.torn:
        stop = status = None
    if shows_code and stop is None:
        sure = False
    if kind in CODED and status is None and _needs_status(kind, found):
        sure = False
    return Screen(
        picture.name,
        kind or Kind.OTHER,
        sure,
        stop=stop,
        stop_name=None if stop is None else codes.shown_name(stop),
        status=status,
        image=_file(found) if kind in (Kind.STOP, Kind.BOOT_MANAGER, Kind.RECOVERY) and not found.torn else None,
        language=found.seen.language if found.seen else None,
        detail=found.seen.detail if found.seen else None,
        percent=found.percents.winner,
        text=tuple(line.text for line in found.lines),
    )


def _file(found: _Found) -> str | None:
    """A file that two readings hold; one that is on no list takes a third."""
    file = found.files.winner
    return file if file is None or is_known(file) or found.files.most > AGREE else None
