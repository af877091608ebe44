"""Stop codes, NTSTATUS values and files out of misread lines: only what stands on a closed list, or nothing.

A stop code is a whole token: it has the rest of its line, behind "Stop code:" or whatever a language says
there, or a line of its own. It is compared with every published name by the letters that engines tell apart;
it counts when it is near one name and clearly farther from every other.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from importlib import resources
from itertools import product
from string import hexdigits

from bootmend.dumps.bugchecks import bug_check, status_name

MARGIN = 2
"""How many more misread letters the second best name must need."""
MISREAD = 8
"""One misread letter is forgiven for so many letters."""
AT_MOST = 3
LONGEST = 64

_USUAL = """
C0000001 C000000D C000000E C000000F C0000010 C0000011 C0000017 C0000022 C0000034 C000003A C000007B C0000098
C000009A C00000A2 C00000B5 C00000BA C00000BB C00000E9 C0000102 C0000135 C0000142 C000014C C0000185 C0000218
C000021A C0000221 C0000225 C0000242 C0000244 C000025A C000026C C00002E1 C00002E2 C0000359 C000035A C0000428
C0000452 C0000454 C0000467 C0000605 C01A001D C0210000
"""
USUAL_STATUSES = frozenset(int(number, 16) for number in _USUAL.split())
"""What these screens show (Microsoft's articles on boot errors). Of these alone misread digits are put right."""

KOREAN_NAMES = {"중요서비스실패": 0x5A}
"""The one name that Microsoft's Korean article gives in Korean; the screens themselves show Latin letters."""

_ALIKE = str.maketrans({"0": "O", "Q": "O", "1": "I", "L": "I", "|": "I", "!": "I", "5": "S", "8": "B", "2": "Z"})
_SURELY = str.maketrans(
    {
        "O": "0",
        "o": "0",
        "Q": "0",
        "@": "0",
        "G": "0",
        "\u00ae": "0",
        "\u00a9": "0",
        "l": "1",
        "I": "1",
        "|": "1",
        "i": "1",
        "S": "5",
        "s": "5",
        "Z": "2",
        "z": "2",
    }
)
"""Signs that are no hexadecimal digit, and the one they look like."""
_PERHAPS = {"D": "D0", "d": "D0", "B": "B8", "8": "8B", "b": "B6", "6": "6B"}
"""Digits that look like another digit."""
_LIKE_ZERO = frozenset("689DEde")
"""What dotted and slashed zeros are read as."""
_ZEROS = re.compile(r"(?<=^[Cc])[0DB689E]{3}[0DB68]?(?=.{3,4}$)", re.IGNORECASE)
"""The zeros behind the C of nearly every NTSTATUS."""
_STOP_CODE = re.compile(r"st[o0]p ?c[o0]de\W*", re.IGNORECASE)
"""Some engines lose the colon and the spaces."""
_NUMBER = re.compile(r"(?:[0OoQDG@®©689][xX×%*ekuc]{1,2})?(?:[Ff]{8})?([0-9A-Za-z|@®©]{8})")


def letters(text: str) -> str:
    """A code's name as engines see it: capitals and digits alone, those that look alike made one."""
    return "".join(sign for sign in text.upper().translate(_ALIKE) if sign.isascii() and sign.isalnum())


def stop_codes(lines: Sequence[str]) -> Iterator[int]:
    """Every stop code that a line names, by name or number."""
    for at, line in enumerate(lines):
        following = lines[at + 1] if at + 1 < len(lines) else ""
        for tail in _tails(line, following):
            code = named(tail)
            if code is not None:
                yield code
                break
        if re.search(r"st[o0]p|코드|code", line, re.IGNORECASE):
            yield from _stop_numbers(line)


def named(text: str) -> int | None:
    """The stop code whose name this is, with some letters misread; None where it is none, or could be two."""
    korean = KOREAN_NAMES.get(re.sub(r"[\W_]", "", text))
    if korean is not None:
        return korean
    wanted = letters(text)
    if not 6 <= len(wanted) <= LONGEST:
        return None
    exact = _names().get(wanted)
    if exact is not None:
        return exact
    ranked = sorted((distance(wanted, name), code) for name, code in _names().items() if _comparable(wanted, name))
    if not ranked or ranked[0][0] > min(AT_MOST, len(wanted) // MISREAD):
        return None
    if len(ranked) > 1 and ranked[1][0] - ranked[0][0] < MARGIN:
        return None
    if abs(len(letters(_table()[ranked[0][1]])) - len(wanted)) > 1:
        return None
    return ranked[0][1]


def statuses(lines: Sequence[str]) -> Iterator[int]:
    """Every 0xC... on the lines that is a known NTSTATUS."""
    for line in lines:
        for word in re.split(r"[\s,:(]+", line):
            number = _number(word, is_status)
            if number is not None:
                yield number


def shown_name(code: int) -> str | None:
    """The name of a stop code: a published one, or that of the NTSTATUS that some screens show in its place."""
    name = bug_check(code).name
    return (status_name(code) or None) if name.startswith("0x") else name


def is_status(number: int) -> bool:
    """Whether it is a known NTSTATUS of an error; small numbers are statuses, too, and no screen means them."""
    return number in USUAL_STATUSES or (number >> 28 == 0xC and bool(status_name(number)))


def distance(one: str, other: str) -> int:
    """Letters to put in, take out or change; more than AT_MOST counts as AT_MOST + MARGIN."""
    far = AT_MOST + MARGIN
    row = list(range(len(other) + 1))
    for at, sign in enumerate(one, 1):
        last, row[0] = row[0], at
        for column, against in enumerate(other, 1):
            last, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, last + (sign != against))
        if min(row) > far:
            return far
    return min(row[-1], far)


def _tails(line: str, following: str) -> Iterator[str]:
    """What may be a whole token: the line, or its rest behind a word that announces it; broken lines joined."""
    line = re.sub(r"[(\[{].*$", "", line)
    announced = _STOP_CODE.search(line)
    if announced:
        yield line[announced.end() :]
    words = _words(line)
    for at in range(len(words)):
        if at and not _announces(words[at - 1], words[at]):
            continue
        rest = " ".join(words[at:])
        yield rest
        if at and following and re.fullmatch(r"[A-Z0-9_ ]+", following.strip()):
            yield f"{rest} {following}"


def _announces(word: str, following: str) -> bool:
    """`Stop code:`, `코드:`, `failed:`, `error:` and their like, their colon lost perhaps; a word of Hangul.

    Before a word with an underscore anything but another part of a code: DRIVER_ IRQL_NOT_... is one token.
    """
    if word[-1] in ":;：" or word.lower().rstrip(".,") in ("code", "codec", "coder", "코드", "error"):
        return True
    if not word.isascii():
        return True
    return "_" in following and not re.fullmatch(r"[A-Z0-9_]{2,}", word)


def _words(line: str) -> list[str]:
    return [word for word in re.split(r"\s+|(?<=[:：;])", line) if word]


def _stop_numbers(line: str) -> Iterator[int]:
    """`*** STOP: 0x0000005A (...)` and `Stop code: 0xc00002e2`: the first number of the line alone."""
    for word in _words(re.sub(r"[(\[{].*$", "", line)):
        if _hexadecimal(word):
            number = _number(word, lambda one: one in _table() or is_status(one))
            if number is not None:
                yield number
            return


def _hexadecimal(word: str) -> str:
    """The eight digits of a word such as Oxc0000225, misread as they are; empty where it is no number."""
    found = _NUMBER.fullmatch(word.strip("().,;:'\"‘’“”[]{}"))
    digits = found[1].translate(_SURELY) if found else ""
    return digits if all(digit in hexdigits for digit in digits) else ""


def _number(word: str, known: Callable[[int], bool]) -> int | None:
    """The number that the word says, where it is known; or the only usual status that its digits may be.

    A number that is not usual counts only when no misread zero in it can have been another known one.
    """
    digits = _hexadecimal(word)
    if not digits:
        return None
    said = int(digits, 16)
    if said in USUAL_STATUSES:
        return said
    if known(said):
        zeroed = _readings(digits, {sign: f"{sign}0" for sign in _LIKE_ZERO})
        return said if sum(map(known, zeroed)) == 1 else None
    plain = _ZEROS.sub(lambda found: "0" * len(found[0]), digits)
    usual = _readings(plain, _PERHAPS) & USUAL_STATUSES
    return next(iter(usual)) if len(usual) == 1 else None


def _readings(digits: str, alike: Mapping[str, str]) -> set[int]:
    """Every number that the digits may be when some were read as others."""
    return {int("".join(signs), 16) for signs in product(*(alike.get(digit, digit) for digit in digits))}


@cache
def _table() -> dict[int, str]:
    """Every published stop code and its name, but for the debugger's own marks on small dumps."""
    text = resources.files("bootmend.dumps").joinpath("bugchecks.toml").read_text(encoding="utf-8")
    rows = tomllib.loads(text)
    return {int(code, 16): row[0] for code, row in rows.items() if int(code, 16) >> 28 != 1}


@cache
def _names() -> dict[str, int]:
    return {letters(name): code for code, name in _table().items()}


@lru_cache(2048)
def _counted(word: str) -> Counter[str]:
    return Counter(word)


def _comparable(one: str, other: str) -> bool:
    """Whether two words may be near at all: letters that one has and the other lacks must be put in or changed."""
    if abs(len(one) - len(other)) > AT_MOST:
        return False
    return (_counted(one) - _counted(other)).total() <= AT_MOST + MARGIN
