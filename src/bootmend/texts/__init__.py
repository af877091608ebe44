"""The one catalogue of user-facing text: `say("<room>.<key>", name=value)` gives a sentence.

A language is `<language>.toml` with a table a room, and a folder `<language>/` with more tables (those of
the rules, a family of causes a file); English is complete, another language may lack entries and then
shows the English one. `BOOTMEND_LANG` or `LANG` chooses.
Errors about broken bytes name formats' own terms and are not translated.
"""

from __future__ import annotations

import os
import tomllib
from functools import cache
from importlib import resources


@cache
def _catalogue(language: str) -> dict[str, str]:
    here = resources.files(__name__)
    folder = here.joinpath(language)
    more = [file for file in folder.iterdir() if file.name.endswith(".toml")] if folder.is_dir() else []
    entries: dict[str, str] = {}
    for source in (here.joinpath(f"{language}.toml"), *more):
        if source.is_file():
            for room, texts in tomllib.loads(source.read_text(encoding="utf-8")).items():
                entries.update((f"{room}.{key}", text) for key, text in texts.items())
    return entries


def language() -> str:
    """The two-letter language the user asked for; English where nothing is said."""
    chosen = os.environ.get("BOOTMEND_LANG") or os.environ.get("LC_ALL") or os.environ.get("LANG") or "en"
    code = chosen[:2].lower()
    return code if code.isalpha() and code not in ("c", "po") else "en"


def say(key: str, **values: object) -> str:
    """The text of `key` in the user's language, with `{name}` places filled in."""
    text = _catalogue(language()).get(key) or _catalogue("en")[key]
    return text.format(**values)
