"""The words of `az`: people type `-n NAME`, `--ids ID ID` and `-o json` without thinking; the same is meant here."""

from __future__ import annotations

from bootmend.errors import Misuse
from bootmend.texts import say


def translated(words: list[str]) -> list[str]:
    """A command line of `bootmend azure`: names and ids become plain arguments, `-o json` becomes --json."""
    if words[:1] != ["azure"] or words[1:2] == ["simulate"]:
        return words
    left, out = list(words), list[str]()
    while left:
        word = left.pop(0)
        if word == "--":
            return [*out, word, *left]
        name, equals, value = word.partition("=")
        if name in ("-n", "--name", "-o", "--output") and not equals:
            if not left:
                raise Misuse(say("azure.no_value", option=name))
            value = left.pop(0)
        if name in ("-n", "--name"):
            out.append(value)
        elif name == "--ids":
            out += [value] if equals else []
            while left and not left[0].startswith("-"):
                out.append(left.pop(0))
        elif name in ("-o", "--output"):
            if value not in ("json", "table"):
                raise Misuse(say("azure.no_format", format=value))
            out += ["--json"] if value == "json" else []
        else:
            out.append(word)
    return out
