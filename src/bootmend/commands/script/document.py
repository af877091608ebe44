"""What a script did, or why it was not run, for programs: schema bootmend.script/1. Keys are only ever added."""

from __future__ import annotations

from typing import Any

from bootmend import __version__
from bootmend.commands.script.wrong import Cure, Done, Outcome, Wrong


def document(
    outcome: Outcome,
    *,
    disk: str,
    script: str,
    fix: bool,
    dry_run: bool,
    changed_bytes: int,
    commit: dict[str, Any] | None,
) -> dict[str, Any]:
    """Every line that does something or is wrong, in order; `commit` is null where nothing was written."""
    blocking = outcome.blocking(fix)
    refused = bool(blocking) or outcome.cut_short
    wrong = {one.number: one for one in outcome.wrong}
    done = {one.number: one for one in outcome.done}
    stopping = {one.number for one in blocking}
    rows = []
    for number in sorted({*wrong, *done}):
        bad, good = wrong.get(number), done.get(number)
        word = "wrong" if number in stopping else "not run" if refused else _word(bad)
        rows.append({"number": number, "outcome": word, **_ran(good, refused=refused), **_problems(bad, good)})
    return {
        "schema": "bootmend.script/1",
        "bootmend": __version__,
        "disk": disk,
        "script": script,
        "letter": outcome.letter,
        "fix": fix,
        "dry_run": dry_run,
        "refused": refused,
        "lines": rows,
        "cut_short": outcome.cut_short,
        "notes": outcome.notes,
        "changed_bytes": changed_bytes,
        "commit": commit,
    }


def _word(wrong: Wrong | None) -> str:
    """Of a line that keeps nothing from being run."""
    if wrong is None:
        return "done"
    return "fixed" if wrong.meant else "left out"


def _ran(done: Done | None, *, refused: bool) -> dict[str, Any]:
    if done is None or refused:
        return {"ran": None, "effects": []}
    return {"ran": done.text, "effects": list(done.effects)}


def _problems(wrong: Wrong | None, done: Done | None) -> dict[str, Any]:
    if wrong is None:
        text = done.text if done is not None else ""
        return {"text": text, "problems": [], "meant": None, "certain": True, "exit_code": 0}
    return {
        "text": wrong.text,
        "problems": list(wrong.what),
        "meant": wrong.meant or None,
        "certain": wrong.cure is not Cure.NONE,
        "exit_code": wrong.exit_code,
    }
