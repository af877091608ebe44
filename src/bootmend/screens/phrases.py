"""Which screen it is, by what is written on it.

A phrase is known by its trigrams, so that a misread letter costs three of them and not the phrase. Letters
are folded first: accents fall off, Hangul falls into its letters (a syllable misread by one stroke keeps the
rest), and what engines mix up becomes the same.
"""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from bootmend.screens.screen import Kind

ENOUGH, ENOUGH_OF_SHORT = 0.7, 0.8
"""The part of a phrase's trigrams that must be there."""
LONG = 30
"""From so many folded letters on a phrase is long."""
SHORT = 16
"""Phrases of fewer folded letters count only as a whole line: their words stand in other texts, too."""
NO_SYLLABLE = 2
"""A short phrase is a letter longer or shorter where it was misread; a syllable of Hangul makes another word of it."""
SPAN = 3
"""Lines over which a phrase may be broken."""

_ALIKE = str.maketrans({"0": "o", "1": "l", "i": "l", "|": "l", "5": "s"})


@dataclass(frozen=True, slots=True)
class Seen:
    """What the phrase that was seen makes it."""

    kind: Kind
    detail: str | None
    language: str | None


@dataclass(frozen=True, slots=True)
class _Phrase:
    seen: Seen
    length: int
    trigrams: frozenset[str]


def folded(text: str) -> str:
    """Only what tells letters apart when an engine read them."""
    plain = unicodedata.normalize("NFKD", text).lower()
    return "".join(letter for letter in plain if letter.isalnum()).translate(_ALIKE)


def what_screen(lines: Sequence[str]) -> Seen | None:
    """The first kind of the table that has a phrase on the screen; None where no phrase is known."""
    return next(_seen_on(lines), None)


_TOGETHER = (
    {Kind.BOOT_MANAGER, Kind.RECOVERY, Kind.BIOS, Kind.UPDATING, Kind.WINRE, Kind.MENU},
    {Kind.UPDATING, Kind.GETTING_READY, Kind.STUCK},
    {Kind.WINRE, Kind.STUCK},
    {Kind.OTHER, Kind.STUCK},
)


def torn(lines: Sequence[str]) -> bool:
    """Whether phrases of screens that are never shown together stand on it: a text about screens, or several."""
    kinds = {seen.kind for seen in _seen_on(lines)}
    return len(kinds) > 1 and not any(kinds <= group for group in _TOGETHER)


def _seen_on(lines: Sequence[str]) -> Iterator[Seen]:
    """What each phrase on the screen makes it, in the order of the table."""
    parts = [folded(line) for line in lines]
    whole = [_trigrams(part) for part in parts]
    spans = [_trigrams("".join(parts[at : at + SPAN])) for at in range(len(parts))]
    for phrase in _phrases():
        shares = (_share(phrase, line, span) for line, span in zip(whole, spans, strict=True))
        if max(shares, default=0.0) >= (ENOUGH if phrase.length >= LONG else ENOUGH_OF_SHORT):
            yield phrase.seen


def _share(phrase: _Phrase, line: frozenset[str], span: frozenset[str]) -> float:
    if phrase.length < SHORT:
        if not line or abs(len(phrase.trigrams) - len(line)) > NO_SYLLABLE:
            return 0.0
        return 2 * len(phrase.trigrams & line) / (len(phrase.trigrams) + len(line))
    return len(phrase.trigrams & span) / len(phrase.trigrams)


def _trigrams(text: str) -> frozenset[str]:
    return frozenset(text[at : at + 3] for at in range(max(len(text) - 2, 0)))


@cache
def _phrases() -> tuple[_Phrase, ...]:
    table = tomllib.loads(resources.files(__package__).joinpath("phrases.toml").read_text(encoding="utf-8"))
    found = []
    for row in table["screen"]:
        kind, detail = Kind(row.pop("kind")), row.pop("detail", None)
        for language, texts in row.items():
            for text in texts:
                letters = folded(text)
                found.append(_Phrase(Seen(kind, detail, language or None), len(letters), _trigrams(letters)))
    return tuple(found)
