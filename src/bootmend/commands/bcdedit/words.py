"""Taking words off a bcdedit command line: options, identifiers, the store, what is too many."""

from __future__ import annotations

from collections.abc import Sequence

from bootmend.commands.bcdedit.identifiers import check_identifier, refuse_placeholder
from bootmend.commands.bcdedit.lines import Place
from bootmend.errors import Misuse
from bootmend.formats.bcd import WELL_KNOWN
from bootmend.texts import say


def require_text(words: Sequence[str]) -> None:
    """Raises Misuse for a word that is no text: it would be stored as something nobody typed."""
    for word in words:
        if any("\ud800" <= each <= "\udfff" or each == "\0" for each in word):
            raise Misuse(say("bcdedit.not_text", word=word))


def option(word: str) -> str | None:
    """The name of an option or command in lower case, without its `/` or `-`; None for any other word."""
    return word[1:].lower() if len(word) > 1 and word[0] in "/-" else None


def take_store(words: list[str], *, anywhere: bool = False) -> str:
    """Takes `/store FILE` off the words (off their front, or `anywhere`); empty where it is not there."""
    at = next((at for at, word in enumerate(words) if option(word) == "store"), None)
    if at is None or (at > 0 and not anywhere):
        return ""
    store = words[at + 1] if at + 1 < len(words) else ""
    if not store or (store[0] in "/-" and not set(store[1:]) & set("/\\")):
        raise Misuse(say("bcdedit.store_of_nothing"))
    del words[at : at + 2]
    return store


def no_more(words: Sequence[str], command: str) -> None:
    if words:
        refuse_placeholder(words[0])
        raise Misuse(say("bcdedit.too_many", command=command, word=words[0]))


def take_target(words: list[str]) -> str | None:
    """Takes an identifier off the front, if there is one."""
    if words and (words[0].startswith(("{", "<")) or words[0].endswith("}")):
        return check_identifier(words.pop(0))
    return None


def take_place(words: list[str]) -> Place | None:
    """Takes `/addfirst`, `/addlast` or `/remove` off the end."""
    name = option(words[-1]) if words else None
    for place in Place:
        if name == place.value[1:]:
            words.pop()
            return place
    return None


def refuse_missing_braces(words: list[str]) -> None:
    """PowerShell takes the braces off `{bootmgr}`, and leaves a word too many."""
    bare = words[0].lower() if words else ""
    if bare in WELL_KNOWN or bare in ("default", "current"):
        check_identifier(words[0])
