"""`bootmend history`: what bootmend has done to a disk."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from bootmend import __version__
from bootmend.cli.options import AsJson, Disk, JournalDir
from bootmend.disk.url import without_secrets
from bootmend.errors import ParseError
from bootmend.texts import say

if TYPE_CHECKING:
    from bootmend.commit import HistoryEntry
    from bootmend.switches import Told


def history(disk: Disk, journal_dir: JournalDir = None, json: AsJson = False) -> None:
    """List the changes of DISK, oldest first, with their journals and whether they were undone.

    Of a switch, what stood there before it was turned on, and whether that was put back.
    """
    from bootmend.cli.output import console, put_document
    from bootmend.cli.switching import remark
    from bootmend.commit import history as read
    from bootmend.commit import journal_folder
    from bootmend.reports.document import stamp
    from bootmend.reports.terminal import size
    from bootmend.switches import account

    entries = read(journal_folder(disk, journal_dir))
    try:
        books = account(entries)
    except ParseError as error:  # the rest of the history is still worth telling
        remark([str(error)])
        books = [[] for _ in entries]
    if json:
        put_document(
            {
                "schema": "bootmend.history/1",
                "bootmend": __version__,
                "disk": without_secrets(disk),
                "entries": [
                    {
                        "journal": str(entry.journal),
                        "when": stamp(entry.when),
                        "state": entry.state,
                        "patches": entry.patches,
                        "bytes": entry.bytes,
                        "problem": entry.problem,
                        **entry.meta,
                        "settings": [_row(told) for told in page],
                    }
                    for entry, page in zip(entries, books, strict=True)
                ],
            }
        )
        return
    out = console()
    if not entries:
        out.print(say("cli.no_history", disk=without_secrets(disk)))
    for entry, page in zip(entries, books, strict=True):
        out.print(f"{stamp(entry.when)}  {entry.state:<12} {entry.patches} / {size(entry.bytes)}  {entry.journal}")
        for line in [*_what(entry), *_settings(page)]:
            out.print(f"    {line}")
        if entry.problem:
            out.print(f"    {entry.problem}")


def _what(entry: HistoryEntry) -> list[str]:
    """The command in its own words, and what it found or did."""
    meta = entry.meta
    words = [meta["script"]] if "script" in meta else meta.get("words", meta.get("switches", []))
    head = shlex.join(str(word) for word in [meta.get("command", ""), *words] if word)
    findings = [f"{finding['rule']}: {finding['title']}" for finding in meta.get("findings", [])]
    return [line for line in [head, *findings, *meta.get("files", [])] if line]


def _settings(page: list[Told]) -> list[str]:
    from bootmend.switches import Fate

    nothing = say("switches.nothing")
    lines = []
    for one in page:
        place, before = one.captured.place, one.captured.before
        if before == one.captured.after:
            continue
        was, now = (place.show(stored) or nothing for stored in (before, one.captured.after))
        fate = {
            Fate.ON: "switches.fate_on",
            Fate.PUT_BACK: "switches.fate_put_back",
            Fate.HELD: "switches.fate_held",
            Fate.LEFT: "switches.fate_left",
            Fate.UNDONE: "switches.fate_undone",
        }[one.fate]
        lines.append(say("switches.told", switch=one.switch, where=place.where, before=was, after=now, fate=say(fate)))
    for switch in dict.fromkeys(one.switch for one in page):
        same = sum(one.switch == switch and one.captured.before == one.captured.after for one in page)
        if same:
            lines.append(say("switches.told_same", switch=switch, count=same))
    return lines


def _row(one: Told) -> dict[str, Any]:
    place = one.captured.place
    return {
        "switch": one.switch,
        "where": place.where,
        "before": place.show(one.captured.before),
        "after": place.show(one.captured.after),
        "fate": str(one.fate),
    }
