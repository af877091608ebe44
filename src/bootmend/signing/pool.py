"""The certificates a signed message brings along, without those nobody can read."""

from __future__ import annotations

from collections.abc import Iterable

from bootmend.errors import ParseError
from bootmend.signing.certificate import Certificate, load
from bootmend.signing.effort import Effort


def readable(certificates: Iterable[bytes], effort: Effort) -> list[Certificate]:
    """Each certificate once, in the message's order; a chain simply does without the others.

    Left out are the unreadable ones, and those for which no effort is left.
    """
    found: dict[Certificate, None] = {}
    for one in certificates:
        if not effort.spend():
            break
        try:
            found[load(one)] = None
        except ParseError:
            continue
    return list(found)
