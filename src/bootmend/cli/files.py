"""`bootmend files`: look at the files of a disk, take them, put them back."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bootmend.cli.options import Accept, AsJson, Disk, JournalDir
from bootmend.disk.url import without_secrets
from bootmend.errors import InputError, Refused
from bootmend.texts import say

if TYPE_CHECKING:
    from bootmend.cli.editing import Change
    from bootmend.volumes.volume import Entry
    from bootmend.windows.image import Image

files = typer.Typer(help="Look at the files of a disk, take them, put them back.", no_args_is_help=True)

SCHEMA = "bootmend.files/1"
STANDARD_STREAM = "-"

At = Annotated[str, typer.Argument(metavar="PATH", help=r"\Windows\..., 3:\EFI\... (partition 3) or C:\...")]
Paths = Annotated[list[str], typer.Argument(metavar="PATH...", help=r"\Windows\..., 3:\EFI\... or C:\...")]
OutFile = Annotated[
    str, typer.Option("-o", "--output", metavar="FILE", help="Where to (default: the same name, here; -: stdout).")
]
Local = Annotated[str, typer.Argument(metavar="FILE", help="A file of this machine; - reads standard input.")]
Create = Annotated[bool, typer.Option("--create", help="Make the file if it is not there.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Do it on a copy in memory; write nothing.")]


@files.command()
def ls(disk: Disk, path: At = "\\", json: AsJson = False) -> None:
    """List a folder of DISK, or one file: attributes, size, time, name, and what kind of link it is."""
    from bootmend.cli.output import console, put_document
    from bootmend.commands.files import attribute_letters, list_files, reparse_kind
    from bootmend.commands.places import find_place

    with _reading(disk) as image:
        place = find_place(image, path)
        entries = list_files(image, place)
    if json:
        put_document({"schema": SCHEMA, "path": str(place), "entries": [_described(entry) for entry in entries]})
        return
    out = console()
    for entry in entries:
        size = "<DIR>" if entry.directory else str(entry.size)
        kind = reparse_kind(entry.reparse_tag)
        line = (
            f"{attribute_letters(entry.attributes)}  {_time(entry.modified):<20}  {size:>14}  {_printable(entry.name)}"
        )
        out.print(f"{line}  [{kind}]" if kind else line, markup=False, soft_wrap=True)


@files.command()
def get(disk: Disk, path: At, output: OutFile = "") -> None:
    """Take a file out of DISK as Windows would read it; a compressed one (CompactOS) is unpacked."""
    from bootmend.commands.files import read_file
    from bootmend.commands.places import find_place

    with _reading(disk) as image:
        place = find_place(image, path)
        pieces = read_file(image, place)
        if output == STANDARD_STREAM:
            for piece in pieces:
                sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
            return
        first = next(pieces, b"")  # what cannot be read must not leave an empty file behind
        target = Path(output or place.name)
        if target.is_dir():
            target /= place.name
        if not output and target.exists():
            raise Refused(say("files.here_already", file=target), say("files.here_already_next"))
        try:
            with target.open("wb") as file:
                file.write(first)
                file.writelines(pieces)
        except OSError as error:
            raise InputError(say("files.not_here", file=target, why=error.strerror)) from error


@files.command()
def put(
    disk: Disk,
    path: At,
    file: Local,
    create: Create = False,
    dry_run: DryRun = False,
    accept: Accept = [],
    journal_dir: JournalDir = None,
) -> None:
    """Put FILE onto DISK at PATH; owner, ACL, attributes and hard links of a file that is there are kept.

    With --create a missing file is made, with owner and ACL of a file beside it.
    """
    from bootmend.cli.editing import changing
    from bootmend.commands.files import put_file
    from bootmend.commands.places import find_place

    data = _local(file)
    with changing(disk, "files put", journal_dir=journal_dir, accept=accept, dry_run=dry_run) as change:
        place = find_place(change.edit.image, path)
        _let_sleep(change)
        done = put_file(change.edit.image, place, data, create=create)
        change.meta["files"] = [done]
    _tell(change, [done], disk, dry_run)


@files.command()
def rm(disk: Disk, path: Paths, dry_run: DryRun = False, accept: Accept = [], journal_dir: JournalDir = None) -> None:
    """Delete files or empty folders of DISK; all of them or none."""
    from bootmend.cli.editing import changing
    from bootmend.commands.files import remove
    from bootmend.commands.places import find_place

    with changing(disk, "files rm", journal_dir=journal_dir, accept=accept, dry_run=dry_run) as change:
        _let_sleep(change)
        done = [remove(change.edit.image, find_place(change.edit.image, one)) for one in path]
        change.meta["files"] = done
    _tell(change, done, disk, dry_run)


@files.command(name="hash")
def hash_files(disk: Disk, path: Paths, json: AsJson = False) -> None:
    """SHA-1 and SHA-256 of files of DISK; of programs and drivers the Authenticode hashes, which catalogs list."""
    from dataclasses import asdict

    from bootmend.cli.output import console, put_document
    from bootmend.commands.files import hash_file
    from bootmend.commands.places import find_place

    with _reading(disk) as image:
        found = [(place, hash_file(image, place)) for place in (find_place(image, one) for one in path)]
    if json:
        listed = [{"path": str(place), **asdict(hashes)} for place, hashes in found]
        put_document({"schema": SCHEMA, "hashes": listed})
        return
    out = console()
    for place, hashes in found:
        out.print(_printable(str(place)), markup=False, soft_wrap=True)
        for name, value in asdict(hashes).items():
            if value != "":
                out.print(f"  {name.replace('_', ' '):<20} {value}", markup=False)


@contextmanager
def _reading(disk: str) -> Iterator[Image]:
    """The disk's image, open for reading only: whatever the command does, nothing is written."""
    from bootmend.disk.container import open_disk
    from bootmend.windows.image import Image

    with open_disk(disk) as device:
        image = Image(device)
        try:
            yield image
        finally:
            image.close()


def _local(file: str) -> bytes:
    from bootmend.commands.files import LARGEST_PUT

    try:
        if file == STANDARD_STREAM:
            data = sys.stdin.buffer.read(LARGEST_PUT + 1)
        else:
            with Path(file).open("rb") as source:
                data = source.read(LARGEST_PUT + 1)
    except (OSError, ValueError) as error:
        raise InputError(say("files.no_local", file=file, why=getattr(error, "strerror", None) or error)) from error
    if len(data) > LARGEST_PUT:
        raise Refused(say("files.too_large", size=len(data), most=LARGEST_PUT))
    return data


def _let_sleep(change: Change) -> None:
    """Raises Refused where a Windows sleeps on a volume of the disk: it would overwrite what is put there."""
    for number, volume in change.edit.image.volumes():
        if volume.state().hibernated:
            raise Refused(say("plan.hibernated", volume=number), say("plan.hibernated_next"))


def _tell(change: Change, done: list[str], disk: str, dry_run: bool) -> None:
    from bootmend.cli.output import console
    from bootmend.reports.terminal import show_commit

    out = console()
    for sentence in done:
        out.print(sentence, markup=False, soft_wrap=True)
    if change.report is not None:
        show_commit(out, change.report, without_secrets(disk))
    else:
        key = "files.dry_run" if dry_run and change.changed_bytes else "files.unchanged"
        out.print(say(key, count=change.changed_bytes), markup=False)


def _described(entry: Entry) -> dict[str, Any]:
    from bootmend.commands.files import attribute_letters, reparse_kind

    return {
        "name": entry.name,
        "kind": "folder" if entry.directory else "file",
        "size": entry.size,
        "attributes": attribute_letters(entry.attributes),
        "modified": _time(entry.modified) or None,
        "reparse": reparse_kind(entry.reparse_tag) or None,
    }


def _time(filetime: int) -> str:
    from bootmend.formats.hive import from_filetime
    from bootmend.reports.document import stamp

    moment = from_filetime(filetime)
    return stamp(moment) if moment is not None else ""


def _printable(text: str) -> str:
    """Names from the disk are hostile: no control characters reach a terminal."""
    return "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in text)
