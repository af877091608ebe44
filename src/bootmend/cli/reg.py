"""`bootmend reg`: the words of reg.exe, on the hives of a disk."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bootmend.cli.note import note
from bootmend.cli.options import Accept, Disk, JournalDir
from bootmend.disk.url import without_secrets
from bootmend.errors import DeviceError, InputError, Missing, Misuse, Refused
from bootmend.texts import say

if TYPE_CHECKING:
    from bootmend.cli.editing import Change
    from bootmend.commands.reg import Answer, Command

DryRun = Annotated[bool, typer.Option("--dry-run", help="Say how many bytes would change; write nothing.")]
Words = Annotated[
    list[str], typer.Argument(metavar="-- WORDS...", help="What would stand after reg.exe: query, add, delete ...")
]


def reg(disk: Disk, words: Words, dry_run: DryRun = False, accept: Accept = [], journal_dir: JournalDir = None) -> None:
    """Read and change the registry of the Windows on DISK with the words of reg.exe.

    bootmend reg DISK -- query 'HKLM\\SYSTEM\\CurrentControlSet\\Control\\CrashControl' /v DumpFile

    Quote key names: a shell takes bare backslashes away. query, add, delete, copy, compare, export
    and import (.reg files of this machine), save, load and unload; every type of value; /f where reg.exe
    would ask. Exit code 1: compare found a difference.
    """
    from bootmend.cli.editing import changing
    from bootmend.commands.reg import Registry, parse, run
    from bootmend.commands.reg.lines import READ_ONLY, Help

    _require_text(words)
    command = parse(words)
    if isinstance(command, Help):
        sys.stdout.write(say("reg.help"))
        return
    files = HostFiles(disk)
    if isinstance(command, READ_ONLY):
        if not _read(disk, command, files, journal_dir):
            raise typer.Exit(1)
        return
    ask = _ask if sys.stdin.isatty() else None
    with changing(disk, "reg", journal_dir=journal_dir, accept=accept, dry_run=dry_run) as change:
        change.meta["words"] = words
        edit = change.edit
        registry = Registry(edit.image, lambda: edit.windows, edit.desk, accept=accept)
        answer = run(command, registry, files, ask) if ask else run(command, registry, files)
    _print(answer)
    _tell(change, without_secrets(disk), dry_run)


def _require_text(words: list[str]) -> None:
    """A word that is not in the terminal's encoding would be stored as something nobody typed."""
    for word in words:
        try:
            word.encode()
        except UnicodeEncodeError:
            raise Misuse(say("reg.not_text", word=word)) from None


def _read(disk: str, command: Command, files: HostFiles, journal_dir: Path | None) -> bool:
    """False where two keys were compared and differ.

    The disk is not opened for writing, so what an interrupted commit left on it is not put right.
    """
    from bootmend.commands.reg import Registry, run
    from bootmend.commit import journal_folder, pending
    from bootmend.disk.container import open_disk
    from bootmend.signing.roots import Trust
    from bootmend.windows.discovery import find_windows
    from bootmend.windows.donor import Given
    from bootmend.windows.image import Image

    try:
        unfinished = pending(journal_folder(disk, journal_dir))
    except Refused:
        unfinished = []
    if unfinished:
        note(say("reg.unfinished"))
    with open_disk(disk) as device:
        image = Image(device)
        answer = run(command, Registry(image, lambda: find_windows(image, Given(Trust()))[0]), files)
        _print(answer)
        image.close()
    return answer.identical


def _print(answer: Answer) -> None:
    try:
        for line in answer.lines:
            sys.stdout.write(line + "\n")
    finally:
        sys.stdout.flush()
        for told in answer.notes:
            note(say("reg.note", note=told))


def _tell(change: Change, disk: str, dry_run: bool) -> None:
    if not change.changed_bytes:
        note(say("reg.unchanged"))
    elif dry_run:
        note(say("reg.would_change", bytes=change.changed_bytes))
    elif change.report is not None:
        report = change.report
        note(say("reg.changed", bytes=report.bytes, journal=report.journal, disk=disk))


def _ask(question: str) -> None:
    if not typer.confirm(question, err=True):
        note(say("cli.declined"))
        raise typer.Exit(1)


class HostFiles:
    """The files of this machine; the disk itself is none of them."""

    def __init__(self, disk: str) -> None:
        self.disk = Path(disk)

    def read(self, path: str) -> bytes:
        try:
            return Path(path).read_bytes()
        except FileNotFoundError:
            raise Missing(say("reg.no_host_file", path=path)) from None
        except OSError as error:
            raise InputError(say("reg.host_file", path=path, why=error.strerror)) from error

    def write(self, path: str, content: bytes, *, overwrite: bool) -> None:
        """Whole or not at all: written beside it, then renamed."""
        target = Path(path)
        if target.exists():
            if not target.is_file() or (self.disk.exists() and target.samefile(self.disk)):
                raise Refused(say("reg.not_onto", path=path), say("reg.not_onto_next"))
            if not overwrite:
                raise Refused(say("reg.file_exists", path=path), say("reg.say_y"))
        beside = target.with_name(f"{target.name}.{os.getpid()}.part")
        try:
            beside.write_bytes(content)
            beside.replace(target)
        except OSError as error:
            beside.unlink(missing_ok=True)
            raise DeviceError(say("reg.host_file", path=path, why=error.strerror)) from error
