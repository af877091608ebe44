"""The identifiers of bcdedit, words in braces: `{bootmgr}`, `{default}`, a GUID.

"Boot options identifiers" in Microsoft's documentation. `{current}` is the entry of the Windows
that runs bcdedit; no Windows runs here, so it is refused and never taken for another.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from uuid import UUID

from bootmend.errors import Missing, Misuse, Refused
from bootmend.formats.bcd import WELL_KNOWN, BcdObject, Store, identifier
from bootmend.texts import say

_GUID = re.compile(r"\{[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}", re.IGNORECASE)
_IN_BRACES = [f"{{{name}}}" for name in ("default", *WELL_KNOWN)]
_DRIVE_PLACEHOLDER = re.compile(r"<[^>]*>:")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` Did you mean ...?` with the nearest of the known words; empty where none is near."""
    near = get_close_matches(word.lower(), [each.lower() for each in known], n=1, cutoff=0.7)
    return say("bcdedit.did_you_mean", known=near[0]) if near else ""


def refuse_placeholder(word: str) -> None:
    """Raises Misuse for a place that the reader of some instructions should have filled in: `<IDENTIFIER>`."""
    if word.startswith(("<", "{<")):
        raise Misuse(say("bcdedit.placeholder", default="{default}", word=word))


def refuse_placeholders(words: Sequence[str]) -> None:
    """As `refuse_placeholder`, of a whole line, where one with spaces in it is several words."""
    for at, word in enumerate(words):
        if not word.startswith(("<", "{<")):
            continue
        end = next((end for end in range(at, len(words)) if ">" in words[end]), at)
        whole = " ".join(words[at : end + 1])
        if _DRIVE_PLACEHOLDER.match(whole) or (at and words[at - 1].lower() in ("/store", "-store")):
            raise Misuse(say("bcdedit.placeholder_drive", word=whole))
        if word.startswith("{"):
            refuse_placeholder(whole)


def check_identifier(word: str) -> str:
    """The identifier as it was typed. Misuse where it cannot be one, Refused for {current}."""
    refuse_placeholder(word)
    bare = word.strip("{}").lower()
    if not (word.startswith("{") and word.endswith("}") and len(word) > 2):
        known = bare in WELL_KNOWN or bare in ("default", "current") or _GUID.fullmatch(f"{{{bare}}}")
        meant = say("bcdedit.did_you_mean", known=f"{{{bare}}}") if known else ""
        raise Misuse(say("bcdedit.no_braces", word=word, meant=meant))
    if bare == "current":
        raise Refused(say("bcdedit.current", current="{current}"), say("bcdedit.current_next", default="{default}"))
    if bare != "default" and bare not in WELL_KNOWN and not _GUID.fullmatch(word):
        raise Misuse(say("bcdedit.bad_identifier", word=word, meant=did_you_mean(word, _IN_BRACES)))
    return word


def resolve(word: str, store: Store) -> UUID:
    """The id that an identifier means in this store, whether it has such an entry or not.

    Missing for `{default}` where the boot manager names none; otherwise as `check_identifier`.
    """
    bare = check_identifier(word).strip("{}").lower()
    if bare == "default":
        if store.default_id is None:
            raise Missing(say("bcdedit.no_default", default="{default}", store=store.file))
        return store.default_id
    return WELL_KNOWN.get(bare) or UUID(bare)


def entry(word: str, store: Store) -> BcdObject:
    """The entry that an identifier names; Missing where the store has none."""
    object_id = resolve(word, store)
    found = store.objects.get(object_id)
    if found is None:
        raise Missing(say("bcdedit.no_entry", store=store.file, word=word, id=identifier(object_id)))
    return found
