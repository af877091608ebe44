"""The words of one line of reg.exe, taken one after the other.

Switches are taken as reg.exe takes them: `/v` or `-v`, in either case, in any order after the keys and
files, each at most once. The word after a switch that takes one is taken as it is, even if it begins
with a slash.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bootmend.errors import Misuse
from bootmend.texts import say


class Words:
    """The words after the operation: first what stands without a switch, then switches, each once."""

    def __init__(self, operation: str, words: Sequence[str]) -> None:
        self.operation = operation
        self.words = list(words)
        self.at = 0
        self.allowed: list[str] = []
        self.taken: list[str] = []
        """Words that name keys."""

    def take(self, what: str) -> str:
        """The next word, which must be there and be no switch; a FILE may begin with a slash, as paths here do."""
        word = self.words[self.at] if self.at < len(self.words) else ""
        if not word or (word.startswith("/") and (what != "FILE" or len(word) == 2)):
            raise Misuse(say("reg.lacks", operation=self.operation, what=what))
        self.at += 1
        if what.startswith("KEY"):
            self.taken.append(word)
        return word

    def switches(self, known: str) -> Iterator[str]:
        """Each switch that follows, in lower case with a slash; `known` lists those that are allowed."""
        allowed = self.allowed = known.split()
        seen: set[str] = set()
        while self.at < len(self.words):
            word = self.words[self.at]
            self.at += 1
            switch = f"/{word[1:].lower()}" if word[:1] in ("/", "-") and len(word) > 1 else ""
            if switch in ("/reg:64", "/reg:32"):
                self._view(word, switch, seen)
            elif switch not in allowed:
                problem = "reg.bad_word" if allowed else "reg.extra_word"
                raise Misuse(say(problem, operation=self.operation, word=word, known=" ".join(allowed)))
            elif switch in seen:
                raise Misuse(say("reg.twice", word=word))
            else:
                seen.add(switch)
                yield switch

    def _view(self, word: str, switch: str, seen: set[str]) -> None:
        """A disk is seen as 64-bit programs see it: /reg:64 says nothing new.

        /reg:32 shows 32-bit programs another HKLM\\SOFTWARE and other classes, by rules that Windows keeps in
        its code; all else is the same to them. "Registry keys affected by WOW64" in Microsoft's documentation.
        """
        if switch == "/reg:32" and not all(_same_in_both_views(word) for word in self.taken or [""]):
            raise Misuse(say("reg.view_32"))
        if switch in seen:
            raise Misuse(say("reg.twice", word=word))
        seen.add(switch)

    def argument(self, switch: str) -> str:
        """The word after a switch, whatever it looks like."""
        if self.at >= len(self.words):
            raise Misuse(say("reg.no_argument", switch=switch))
        self.at += 1
        return self.words[self.at - 1]

    def at_switch_or_end(self) -> bool:
        """Whether no argument follows but the next switch, or nothing."""
        if self.at >= len(self.words):
            return True
        word = self.words[self.at]
        return word[:1] in ("/", "-") and f"/{word[1:].lower()}" in self.allowed


def _same_in_both_views(key: str) -> bool:
    root, _, rest = key.partition("\\")
    return root.upper() in ("HKLM", "HKEY_LOCAL_MACHINE") and rest.partition("\\")[0].upper() not in ("", "SOFTWARE")
