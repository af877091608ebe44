"""The certificates a signed message brings along, without those nobody can read."""

from __future__ import annotations

from collections.abc import Iterable

from bootmend.errors import ParseError
from bootmend.signing.certificate import Certificate, load


def readable(certificates: Iterable[bytes]) -> list[Certificate]:
    """Each certificate once, in the message's order; a chain simply does without the unreadable ones."""
    found: dict[Certificate, None] = {}
    for one in certificates:
        try:
            found[load(one)] = None
        except ParseError:
            continue
    return list(found)
