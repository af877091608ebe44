"""Text off a disk made fit for a terminal: names there may hold what a terminal would obey."""

from __future__ import annotations


def visible(text: str) -> str:
    """Without characters that move the cursor, hide text or turn it round; line ends and tabs stay."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() or one in "\n\t" else _escaped(one) for one in text)


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape", "backslashreplace").decode("ascii")
