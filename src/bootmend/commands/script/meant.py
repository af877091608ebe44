r"""Lines that are wrong in a way that people and instructions get wrong, and what was meant.

text of a line  -> filled_in   placeholders (`<OS DISK LETTER>:`), typographic quotes and dashes
one command     -> obvious     `F: boot\bcd`, `bcddit`, `SYSTEM.hiv`, `ControlSet00x`

What else a word may have been is for guesses.py. A Change is `certain` where nothing else can have been meant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise

from bootmend.commands.script.spelling import nearest
from bootmend.commands.script.words import Word, program_of, quoted, runtime_words
from bootmend.errors import Misuse
from bootmend.texts import say

_QUOTES = str.maketrans(
    {"“": '"', "”": '"', "„": '"', "＂": '"', "\u00a0": " ", "\u3000": " ", "\u200b": "", "\ufeff": ""}
)
_DASH = re.compile(r"(?<=\s)[–—−](?=[A-Za-z?])")
_CARETS = re.compile(r"\^%([^%^\s]{1,60})\^%")
"""`^%SystemRoot^%` keeps its percent signs at a prompt; in a script cmd takes the name for `SystemRoot^`."""
_PLACEHOLDER = re.compile(r"\{?<(?=[^\s<>])([^<>|&\"]{1,80})>\}?(:?)")
_OF_ENTRY = re.compile(r"identifier|guid|loader|\bid\b|식별자", re.IGNORECASE)
_OF_DRIVE = re.compile(r"drive|disk|letter|volume|partition|드라이브|디스크|문자", re.IGNORECASE)
_BARE_ENTRY = re.compile(r"\{(?:[a-z _-]*(?:identifier|guid|loader id)[a-z _-]*|x{4,}[x-]*)\}", re.IGNORECASE)
_VAGUE_SET = re.compile(r"(?<=\\)ControlSet0{0,2}[x?*n]+(?=\\|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Facts:
    """What of the machine a placeholder stands for."""

    letter: str
    """Of the disk, such as F."""
    loader: str
    """The default loader's identifier in braces; empty where there is none."""
    control_set: str = ""
    """What `Select\\Current` names, as the registry's own CurrentControlSet; empty where that is not known."""


@dataclass(frozen=True, slots=True)
class Change:
    text: str
    """The line or command as it was meant."""
    what: str
    """What is wrong with it as it was written."""
    certain: bool = True


def filled_in(text: str, facts: Facts) -> list[Change]:
    """Changes to a whole line, one after the other. Raises Misuse for a placeholder nobody can fill in."""
    changes: list[Change] = []

    def changed(new: str, what: str) -> str:
        if new != text:
            changes.append(Change(new, what))
        return new

    text = changed(_DASH.sub("-", text.translate(_QUOTES)), say("script.typographic"))
    text = changed(_CARETS.sub(r"%\1%", text), say("script.carets"))
    for pattern in (_PLACEHOLDER, _BARE_ENTRY):
        match = pattern.search(text)
        while match is not None:
            new = text[: match.start()] + _filler(match, facts) + text[match.end() :]
            text = changed(new, say("script.placeholder", word=match[0]))
            match = pattern.search(text)
    return changes


def _filler(match: re.Match[str], facts: Facts) -> str:
    word = match[0]
    if match.re is _PLACEHOLDER and not word.startswith("{") and (match[2] or not _OF_ENTRY.search(match[1])):
        if match[2] or _OF_DRIVE.search(match[1]):
            return f"{facts.letter}:"
        raise Misuse(say("script.placeholder_unknown", word=word))
    if not facts.loader:
        raise Misuse(say("script.no_loader", word=word))
    return facts.loader


def obvious(text: str, facts: Facts, programs: Iterable[str], there: Callable[[str], bool]) -> Change | None:
    """The first thing that is plainly wrong with a command; `there` says whether a path names a file."""
    program = program_of(text)
    known = list(programs)
    name = program_name(program.text)
    if name and name not in known:
        near = nearest(name, known)
        if near is None:
            return None
        return Change(near + text[program.end :], say("script.misspelt", word=program.text, meant=near), len(near) > 4)
    words = runtime_words(text)
    for word, following in pairwise(words):
        if re.fullmatch(r"[A-Za-z]:\\?", word.text) and re.fullmatch(r"[^\\/:{\s]+\\[^:]*", following.text):
            path = f"{word.text.rstrip(chr(92))}\\{following.text}"
            new = text[: word.start] + quoted(path) + text[following.end :]
            return Change(new, say("script.broken_path", word=f"{word.text} {following.text}", meant=path))
    for word in words[1:]:
        if re.fullmatch(r"[A-Za-z]:[^\\/\s:][^:]*\\[^:]*", word.text):
            path = f"{word.text[:2]}\\{word.text[2:]}"
            return Change(put(text, word, path), say("script.no_root", word=word.text, meant=path))
    return _obvious_in_reg(text, words, facts, there) if name == "reg" else None


def _obvious_in_reg(text: str, words: list[Word], facts: Facts, there: Callable[[str], bool]) -> Change | None:
    for word in words[2:4]:
        vague = _VAGUE_SET.search(word.text)
        if vague is not None and facts.control_set:
            meant = word.text[: vague.start()] + facts.control_set + word.text[vague.end() :]
            return Change(put(text, word, meant), say("script.vague_set", word=vague[0], meant=facts.control_set))
    if len(words) > 3 and words[1].text.lower() == "load":
        path = words[3].text
        stem, dot, extension = path.rpartition(".")
        if dot and not set(extension) & set("\\/") and not there(path) and there(stem):
            return Change(put(text, words[3], stem), say("script.no_extension", word=path, meant=stem))
    return None


def program_name(word: str) -> str:
    """`bcdedit` for `BCDEDIT.EXE` and for a path to it."""
    name = re.split(r"[\\/]", word.lower())[-1]
    return re.sub(r"\.(exe|com|cmd|bat)$", "", name)


def put(text: str, word: Word, new: str, *, quote: bool = True) -> str:
    return text[: word.start] + (quoted(new) if quote else new) + text[word.end :]
