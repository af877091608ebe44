r"""Lines that are wrong in a way that people and instructions get wrong, and what was meant.

text of a line  -> filled_in   placeholders (`<OS DISK LETTER>:`), typographic quotes and dashes
one command     -> obvious     `F: boot\bcd`, `bcddit`, `SYSTEM.hiv`, `ControlSet00x`
                -> guesses     one word spelled otherwise, glued, without its slash or braces

A Change is `certain` where nothing else can have been meant; the run tries a guess only where the line
as written failed, and takes it only where it then succeeds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from bootmend.commands.bcdedit.values import BOOLEANS
from bootmend.commands.script.spelling import nearest
from bootmend.commands.script.words import Word, program_of, quoted, runtime_words
from bootmend.errors import Misuse
from bootmend.formats.bcd import WELL_KNOWN, ObjectType, element_ids, element_names, number_words
from bootmend.texts import say

_QUOTES = str.maketrans(
    {"“": '"', "”": '"', "„": '"', "＂": '"', "\u00a0": " ", "\u3000": " ", "\u200b": "", "\ufeff": ""}
)
_DASH = re.compile(r"(?<=\s)[–—−](?=[A-Za-z?])")
_PLACEHOLDER = re.compile(r"\{?<(?=[^\s<>])([^<>|&\"]{1,80})>\}?(:?)")
_OF_ENTRY = re.compile(r"identifier|guid|loader|\bid\b|식별자", re.IGNORECASE)
_OF_DRIVE = re.compile(r"drive|disk|letter|volume|partition|드라이브|디스크|문자", re.IGNORECASE)
_BARE_ENTRY = re.compile(r"\{(?:[a-z _-]*(?:identifier|guid|loader id)[a-z _-]*|x{4,}[x-]*)\}", re.IGNORECASE)
_VAGUE_SET = re.compile(r"(?<=\\)ControlSet0{0,2}[x?*n]+(?=\\|$)", re.IGNORECASE)

_VERBS = """
store enum set deletevalue ems emssettings bootems debug bootdebug dbgsettings hypervisorsettings default timeout
displayorder bootsequence toolsdisplayorder create copy delete export import
"""
BCDEDIT_VERBS = tuple(_VERBS.split())
REG_VERBS = ("query", "add", "delete", "copy", "export", "import", "load", "unload")
REG_TYPES = ("REG_SZ", "REG_EXPAND_SZ", "REG_MULTI_SZ", "REG_DWORD", "REG_QWORD", "REG_BINARY", "REG_NONE")
REG_ROOTS = ("HKLM", "HKEY_LOCAL_MACHINE", "HKU", "HKEY_USERS")


@dataclass(frozen=True, slots=True)
class Facts:
    """What of the machine a placeholder stands for."""

    letter: str
    """Of the disk, such as F."""
    loader: str
    """The default loader's identifier in braces; empty where there is none."""
    control_set: str = ""
    """What `Select\\Current` names; empty where that is not known."""


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
            return Change(_put(text, word, path), say("script.no_root", word=word.text, meant=path))
    return _obvious_in_reg(text, words, facts, there) if name == "reg" else None


def _obvious_in_reg(text: str, words: list[Word], facts: Facts, there: Callable[[str], bool]) -> Change | None:
    for word in words[2:4]:
        vague = _VAGUE_SET.search(word.text)
        if vague is not None and facts.control_set:
            meant = word.text[: vague.start()] + facts.control_set + word.text[vague.end() :]
            return Change(_put(text, word, meant), say("script.vague_set", word=vague[0], meant=facts.control_set))
    if len(words) > 3 and words[1].text.lower() == "load":
        path = words[3].text
        stem, dot, extension = path.rpartition(".")
        if dot and not set(extension) & set("\\/") and not there(path) and there(stem):
            return Change(_put(text, words[3], stem), say("script.no_extension", word=path, meant=stem))
    return None


def guesses(text: str, loaded: Iterable[str] = ()) -> Iterator[Change]:
    """The command with one word put right, likeliest first; `loaded` are names that `reg load` gave."""
    words = runtime_words(text)
    name = program_name(words[0].text) if words else ""
    if name == "bcdedit":
        yield from _in_bcdedit(text, words)
    elif name == "reg":
        yield from _in_reg(text, words, [one.upper() for one in loaded])


def _in_bcdedit(text: str, words: list[Word]) -> Iterator[Change]:
    for word in words[1:]:
        for element, value in _glued(word.text):
            meant = f"{element} {value}"
            yield Change(_put(text, word, meant, quote=False), say("script.glued", word=word.text, meant=meant))
    for word in words[1:]:
        lowered = word.text.lower()
        bare = lowered.strip("{}()[]<>")
        if (bare in WELL_KNOWN or bare == "default") and lowered != f"{{{bare}}}":
            yield Change(_put(text, word, f"{{{bare}}}"), say("script.no_braces", word=word.text, meant=f"{{{bare}}}"))
        if lowered in BCDEDIT_VERBS:
            yield Change(_put(text, word, f"/{lowered}"), say("script.no_slash", word=word.text, meant=f"/{lowered}"))
        if lowered == "{current}":
            yield Change(_put(text, word, "{default}"), say("script.current"), certain=False)
    verbs = [f"/{verb}" for verb in BCDEDIT_VERBS]
    identifiers = [f"{{{name}}}" for name in (*WELL_KNOWN, "default")]
    yield from _respelt(text, words[1:], [*verbs, *identifiers, *element_names(), *_value_words()])


def _in_reg(text: str, words: list[Word], loaded: list[str]) -> Iterator[Change]:
    for word in words[2:4]:
        root, slash, rest = word.text.partition("\\")
        hive, more, path = rest.partition("\\")
        near = nearest(hive.upper(), loaded) if slash and loaded and hive.upper() not in loaded else None
        if near is not None:
            meant = f"{root}\\{near}{more}{path}"
            yield Change(_put(text, word, meant), say("script.misspelt", word=hive, meant=near))
        if slash and root.upper() not in REG_ROOTS and (near := nearest(root.upper(), REG_ROOTS)) is not None:
            yield Change(_put(text, word, f"{near}\\{rest}"), say("script.misspelt", word=root, meant=near))
        if "/" in word.text and "\\" not in word.text and not word.text.startswith("/"):
            meant = word.text.replace("/", "\\")
            yield Change(_put(text, word, meant), say("script.misspelt", word=word.text, meant=meant))
    yield from _respelt(text, words[1:2], REG_VERBS)
    yield from _respelt(text, words[2:], REG_TYPES)


def _respelt(text: str, words: list[Word], known: Iterable[str]) -> Iterator[Change]:
    vocabulary = list(dict.fromkeys(known))
    for word in words:
        near = nearest(word.text, vocabulary)
        if near is not None and near.lower() != word.text.lower():
            yield Change(_put(text, word, near), say("script.misspelt", word=word.text, meant=near), len(near) > 4)


def _glued(word: str) -> Iterator[tuple[str, str]]:
    """(element, value) of a word such as `integrityservicesenable`."""
    lowered = word.lower()
    for element in element_names():
        value = lowered[len(element) :]
        if lowered.startswith(element) and value in (*BOOLEANS, *_words_of(element)):
            yield element, value


def _words_of(element: str) -> set[str]:
    """Words that the element takes in a boot manager or a loader."""
    found = set()
    for kind in (ObjectType.OS_LOADER, ObjectType.BOOT_MANAGER):
        for number in element_ids(element, kind):
            found |= {word.lower() for word in number_words(number, kind)}
    return found


def _value_words() -> list[str]:
    return sorted({word for element in element_names() for word in _words_of(element)} | {"minimal", "network"})


def program_name(word: str) -> str:
    """`bcdedit` for `BCDEDIT.EXE` and for a path to it."""
    name = re.split(r"[\\/]", word.lower())[-1]
    return re.sub(r"\.(exe|com|cmd|bat)$", "", name)


def _put(text: str, word: Word, new: str, *, quote: bool = True) -> str:
    return text[: word.start] + (quoted(new) if quote else new) + text[word.end :]
