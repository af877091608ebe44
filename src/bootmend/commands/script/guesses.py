"""A command with one word put right: spelled otherwise, glued, without its slash or braces.

Only guesses: the run takes one only where the command as written failed and this one succeeds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

from bootmend.commands.bcdedit.values import BOOLEANS
from bootmend.commands.script.meant import Change, program_name, put
from bootmend.commands.script.spelling import nearest
from bootmend.commands.script.words import Word, runtime_words
from bootmend.formats.bcd import WELL_KNOWN, ObjectType, element_ids, element_names, number_words
from bootmend.texts import say

_VERBS = """
store enum set deletevalue ems emssettings bootems debug bootdebug event dbgsettings hypervisorsettings default timeout
displayorder bootsequence toolsdisplayorder create copy delete export import
"""
BCDEDIT_VERBS = tuple(_VERBS.split())
REG_VERBS = ("query", "add", "delete", "copy", "export", "import", "load", "unload", "compare", "save")
REG_TYPES = ("REG_SZ", "REG_EXPAND_SZ", "REG_MULTI_SZ", "REG_DWORD", "REG_QWORD", "REG_BINARY", "REG_NONE")
REG_ROOTS = ("HKLM", "HKEY_LOCAL_MACHINE", "HKU", "HKEY_USERS")


MOST_WORDS = 24
"""Of a command; a longer one is no line that a person mistyped."""


def guesses(text: str, loaded: Iterable[str] = ()) -> Iterator[Change]:
    """The command with one word put right, likeliest first; `loaded` are names that `reg load` gave."""
    words = runtime_words(text)[:MOST_WORDS]
    name = program_name(words[0].text) if words else ""
    if name == "bcdedit":
        yield from _in_bcdedit(text, words)
    elif name == "reg":
        yield from _in_reg(text, words, [one.upper() for one in loaded])


def _in_bcdedit(text: str, words: list[Word]) -> Iterator[Change]:
    for word in words[1:]:
        for element, value in _glued(word.text):
            meant = f"{element} {value}"
            yield Change(put(text, word, meant, quote=False), say("script.glued", word=word.text, meant=meant))
    for word in words[1:]:
        lowered = word.text.lower()
        bare = lowered.strip("{}()[]<>")
        if (bare in WELL_KNOWN or bare == "default") and lowered != f"{{{bare}}}":
            yield Change(put(text, word, f"{{{bare}}}"), say("script.no_braces", word=word.text, meant=f"{{{bare}}}"))
        if lowered in BCDEDIT_VERBS:
            yield Change(put(text, word, f"/{lowered}"), say("script.no_slash", word=word.text, meant=f"/{lowered}"))
        if lowered == "{current}":
            yield Change(put(text, word, "{default}"), say("script.current"), certain=False)
    verbs = [f"/{verb}" for verb in BCDEDIT_VERBS]
    identifiers = [f"{{{name}}}" for name in (*WELL_KNOWN, "default")]
    yield from _respelt(text, words[1:], [*verbs, *identifiers, *_elements(), *_value_words()])


def _in_reg(text: str, words: list[Word], loaded: list[str]) -> Iterator[Change]:
    for word in words[2:4]:
        root, slash, rest = word.text.partition("\\")
        hive, more, path = rest.partition("\\")
        near = nearest(hive.upper(), loaded) if slash and loaded and hive.upper() not in loaded else None
        if near is not None:
            meant = f"{root}\\{near}{more}{path}"
            yield Change(put(text, word, meant), say("script.misspelt", word=hive, meant=near))
        if slash and root.upper() not in REG_ROOTS and (near := nearest(root.upper(), REG_ROOTS)) is not None:
            yield Change(put(text, word, f"{near}\\{rest}"), say("script.misspelt", word=root, meant=near))
        if "/" in word.text and "\\" not in word.text and not word.text.startswith("/"):
            meant = word.text.replace("/", "\\")
            yield Change(put(text, word, meant), say("script.misspelt", word=word.text, meant=meant))
    yield from _respelt(text, words[1:2], REG_VERBS)
    yield from _respelt(text, words[2:], REG_TYPES)


def _respelt(text: str, words: list[Word], known: Iterable[str]) -> Iterator[Change]:
    vocabulary = list(dict.fromkeys(known))
    for word in words:
        near = nearest(word.text, vocabulary)
        if near is not None and near.lower() != word.text.lower():
            yield Change(put(text, word, near), say("script.misspelt", word=word.text, meant=near), len(near) > 4)


def _glued(word: str) -> Iterator[tuple[str, str]]:
    """(element, value) of a word such as `integrityservicesenable`."""
    lowered = word.lower()
    for element in _elements():
        value = lowered[len(element) :]
        if lowered.startswith(element) and value in (*BOOLEANS, *_words_of(element)):
            yield element, value


@cache
def _elements() -> tuple[str, ...]:
    return tuple(element_names())


@cache
def _words_of(element: str) -> frozenset[str]:
    """Words that the element takes in a boot manager or a loader."""
    found: set[str] = set()
    for kind in (ObjectType.OS_LOADER, ObjectType.BOOT_MANAGER):
        for number in element_ids(element, kind):
            found |= {word.lower() for word in number_words(number, kind)}
    return frozenset(found)


@cache
def _value_words() -> list[str]:
    return sorted({word for element in _elements() for word in _words_of(element)} | {"minimal", "network"})
