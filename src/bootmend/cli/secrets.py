"""What stands in the URLs of a command line and must not be told again: signatures, and whatever follows the path.

Whoever names a disk does so without its query (`without_secrets`). This is the second door: a wrong word on the
command line, an operating system's message or a traceback may repeat what was given, as it was given.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote

_QUERY = re.compile(r"https?:/+[^\s?#]*[?#](\S+)", re.IGNORECASE)
_PASSWORD = re.compile(r"https?:/+([^\s/?#@]+)@", re.IGNORECASE)
_VALUE = re.compile(r"sig=([^&#\s]+)", re.IGNORECASE)
_KEPT: set[str] = set()
_SHORTEST = 4
"""A shorter text is no secret, and hiding it would hide half of every sentence."""


def keep_secret(arguments: Iterable[str]) -> None:
    for word in arguments:
        found = [*_QUERY.findall(word), *_PASSWORD.findall(word), *_VALUE.findall(word)]
        _KEPT.update(text for one in found for text in (one, unquote(one)) if len(text) >= _SHORTEST)


def hushed(text: str) -> str:
    """`text` without any of them."""
    for secret in sorted(_KEPT, key=len, reverse=True):
        text = text.replace(secret, "...")
    return text
