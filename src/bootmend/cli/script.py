"""`bootmend script`: a .cmd of bcdedit, reg and file lines, run on a disk as one change."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bootmend.cli.options import Accept, AsJson, Disk, JournalDir
from bootmend.disk.url import without_secrets
from bootmend.errors import BootmendError, InputError
from bootmend.texts import say

if TYPE_CHECKING:
    from rich.console import Console

    from bootmend.commands.script import Outcome, Wrong

Script = Annotated[str, typer.Argument(metavar="FILE", help="The script; - reads standard input.")]
Drive = Annotated[
    list[str],
    typer.Option("--drive", metavar="F", help="The letter that is DISK in the script; S=1: that one is partition 1."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what each line would do; write nothing.")]
Fix = Annotated[bool, typer.Option("--fix", help="Where a line is wrong and it is certain what was meant, run that.")]


def script(
    disk: Disk,
    file: Script,
    drive: Drive = [],
    dry_run: DryRun = False,
    fix: Fix = False,
    accept: Accept = [],
    journal_dir: JournalDir = None,
    json: AsJson = False,
) -> None:
    """Run a script of bcdedit, reg, copy, xcopy, ren, move, del, attrib and md lines on DISK.

    Without --drive the letter the script uses most is DISK: its Windows volume, and F:\\boot\\bcd the store
    it boots from, wherever that is. The script is one change: all of its lines or none, one undo. Every
    wrong line is told at once, with the line that was meant, and then nothing is written.
    """
    from bootmend.cli.editing import changing
    from bootmend.cli.output import console, put_document
    from bootmend.commands.script import document, run_script
    from bootmend.reports import document as reports
    from bootmend.reports.terminal import show_commit

    data = _read(file)
    out = console()
    with changing(disk, "script", journal_dir=journal_dir, accept=accept, dry_run=dry_run) as change:
        outcome = run_script(change.edit, data, file, drive=drive, accept=frozenset(accept))
        told: dict[str, Any] = {"disk": without_secrets(disk), "script": file, "fix": fix, "dry_run": dry_run}
        blocking = outcome.blocking(fix)
        if blocking or outcome.cut_short:
            if json:
                put_document(document(outcome, **told, changed_bytes=0, commit=None))
            raise _Stopped(
                _complaint(file, outcome, blocking, fix), min((one.exit_code for one in blocking), default=2)
            )
        change.meta["script"] = file
        change.meta["lines"] = [one.text for one in outcome.done][:500]
    if json:
        commit = reports.commit(change.report)
        put_document(document(outcome, **told, changed_bytes=change.changed_bytes, commit=commit))
        return
    _tell(out, outcome, without_secrets(disk))
    if change.report is not None:
        show_commit(out, change.report, without_secrets(disk))
    else:
        out.print(say("script.dry_run" if change.changed_bytes else "script.unchanged", count=change.changed_bytes))


class _Stopped(BootmendError):
    """Lines are wrong: they are the message."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def _read(file: str) -> bytes:
    from bootmend.commands.script.decode import LARGEST

    try:
        if file == "-":
            return sys.stdin.buffer.read(LARGEST + 1)
        with Path(file).open("rb") as source:
            return source.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        raise InputError(say("script.no_file", file=file, why=getattr(error, "strerror", None) or error)) from error


def _tell(out: Console, outcome: Outcome, disk: str) -> None:
    """What each line does, and with --fix what was put right."""
    out.print(say("script.drive", letter=outcome.letter, disk=disk), markup=False, soft_wrap=True)
    wrong = {one.number: one for one in outcome.wrong}
    done = {one.number: one for one in outcome.done}
    for number in sorted({*wrong, *done}):
        lines = []
        if number in wrong:
            one = wrong[number]
            key = "script.fixed" if one.meant else "script.left_out"
            lines.append(say(key, number=number, text=_short(one.meant or one.text)))
            lines += [say("script.why", text=what) for what in one.what]
        else:
            lines.append(say("script.done", number=number, text=_short(done[number].text)))
        lines += [say("script.effect", text=effect) for effect in (done[number].effects if number in done else ())]
        for line in lines:
            out.print(_printable(line), markup=False, soft_wrap=True)
    for note in outcome.notes:
        out.print(_printable(say("script.note", text=note)), markup=False, soft_wrap=True)


def _complaint(file: str, outcome: Outcome, blocking: list[Wrong], fix: bool) -> str:
    from bootmend.commands.script import Cure

    lines = [say("script.wrong_head", file=file, count=len(blocking))]
    for one in blocking:
        lines.append(say("script.wrong_line", number=one.number, text=_short(one.text)))
        lines += [say("script.why", text=what) for what in one.what]
        if one.meant:
            lines.append(say("script.wrong_meant", text=_short(one.meant)))
        else:
            lines.append(say("script.wrong_left_out" if one.cure is Cure.SKIP else "script.wrong_unknown"))
    if outcome.cut_short:
        lines.append(say("script.cut_short", count=len(outcome.wrong)))
    certain = sum(one.cure is not Cure.NONE for one in blocking)
    if not fix:
        lines.append(say("script.fix_next" if certain else "script.fix_none", count=certain, all=len(blocking)))
    return _printable("\n".join(lines), keep="\n")


def _short(text: str) -> str:
    return text if len(text) <= 400 else text[:397] + "..."


def _printable(text: str, keep: str = "") -> str:
    """A script is hostile: none of its control characters reach a terminal."""
    return "".join(one if one.isprintable() or one in keep else f"\\x{ord(one):02x}" for one in text)
