"""The words after one of cmd's own commands: switches and names."""

from __future__ import annotations

from bootmend.errors import Misuse
from bootmend.texts import say

LONGEST_SWITCH = 12


def split(program: str, words: list[str], known: str, valued: str = "") -> tuple[set[str], list[str]]:
    """(switches in lower case without the slash, the other words). Raises Misuse naming an unknown switch."""
    allowed = known.split()
    switches, names = set(), []
    for word in words:
        if not word.startswith("/") or len(word) > LONGEST_SWITCH:
            names.append(word)
            continue
        switch = word[1:].lower()
        if switch not in allowed and not (valued and switch.startswith(valued)):
            listed = " ".join(f"/{one}" for one in allowed)
            raise Misuse(say("script.no_switch", program=program, word=word, known=listed or "-"))
        switches.add(switch)
    return switches, names


def names_of(program: str, words: list[str], known: str, least: int, most: int) -> list[str]:
    _, names = split(program, words, known)
    if not least <= len(names) <= most:
        raise Misuse(say("script.word_count", program=program, least=least, most=most))
    return names


def require_some(program: str, names: list[str]) -> None:
    if not names:
        raise Misuse(say("script.word_count", program=program, least=1, most=99))
