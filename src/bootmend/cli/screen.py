"""`bootmend screen`: which screen a picture shows, and its stop code; serial logs, too."""

from __future__ import annotations

from os import SEEK_END
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bootmend.cli.note import note
from bootmend.cli.options import AsJson
from bootmend.disk.url import is_url, without_secrets
from bootmend.errors import InputError, Unreachable
from bootmend.texts import say

if TYPE_CHECKING:
    from bootmend.screens import Screen, SerialVerdict

_HEAD = 4096
_END = 32 << 20
"""Bytes of a large log; an even number, for there may be two to a character."""

Images = Annotated[
    list[str],
    typer.Argument(
        metavar="IMAGE...",
        help="Screenshots (PNG, JPEG, BMP, GIF, WebP) or serial logs, told by content; files or https URLs.",
    ),
]
ShowText = Annotated[bool, typer.Option("--text", help="Show the lines of a picture as they were read, too.")]


def screen(images: Images, text: ShowText = False, json: AsJson = False) -> None:
    """Say which screen a picture of a machine shows, and read the stop code off it; or tell it from a serial log.

    What cannot be read beyond doubt is called unsure. Exit code 0: a stop code was read on every picture; 1: on
    one or more there is none, or none that can be read; 4: not a picture nor a serial log.
    """
    from bootmend.cli.output import console, put_document
    from bootmend.cli.session import progress
    from bootmend.reports.screen import document, sentences
    from bootmend.screens import Screen

    out = console()
    seen: list[Screen | SerialVerdict] = []
    refused = 0
    for image in images:
        try:
            with progress() as show:
                show(say("screens.reading", name=without_secrets(image)))
                shown = _look(image)
        except (InputError, Unreachable) as error:
            note(f"bootmend: {error}")
            refused = error.exit_code
            continue
        seen.append(shown)
        if not json:
            first, *more = sentences(shown)
            out.print(first, soft_wrap=True)
            lines = shown.text if text and isinstance(shown, Screen) else ()
            for line in [*more, *(f"| {line}" for line in lines)]:
                out.print(f"    {line}", soft_wrap=True)
    if json and (seen or not refused):
        put_document(document(seen))
    if refused or any(shown.stop is None for shown in seen):
        raise typer.Exit(refused or 1)


def _encoding(head: bytes) -> str:
    """Of a log: UTF-16 shows itself by its mark, or by the zero in every other byte of Latin text."""
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16-le" if head[0] == 0xFF else "utf-16-be"
    zeros = [head[odd::2].count(0) * 4 > len(head) for odd in (0, 1)]
    return {(False, True): "utf-16-le", (True, False): "utf-16-be"}.get((zeros[0], zeros[1]), "utf-8")


def _look(image: str) -> Screen | SerialVerdict:
    from bootmend.screens import looks_like_picture, looks_like_serial_log, read_screen, read_serial_log
    from bootmend.screens.picture import MAX_BYTES

    name = without_secrets(image)
    if is_url(image):
        data = _fetched(image, MAX_BYTES + 1)
        head = data[:_HEAD]
    else:
        try:
            if Path(image).is_fifo() and not image.startswith(("/dev/", "/proc/")):
                raise InputError(say("screens.unreadable", name=name, why=say("screens.pipe")))
            with Path(image).open("rb") as file:
                data = file.read(MAX_BYTES + 1)
                head = data[:_HEAD]
                if not looks_like_picture(data) and len(data) > MAX_BYTES and file.seekable():
                    file.seek(-_END, SEEK_END)  # what came last tells how it stands
                    data = file.read(_END)
        except OSError as error:
            raise InputError(say("screens.unreadable", name=name, why=error.strerror or error)) from None
    if looks_like_picture(data):
        return read_screen(data, name)
    log = data.decode(_encoding(head), "replace")
    if looks_like_serial_log(log):
        return read_serial_log(log, name)
    raise InputError(say("screens.neither", name=name))


def _fetched(url: str, most: int) -> bytes:
    """What stands behind a URL, such as the links of Azure's boot diagnostics."""
    from bootmend.disk.client import Client
    from bootmend.disk.url import Url

    client = Client(Url.parse(url))
    try:
        return client.ask("GET", (200,), most=most).body
    finally:
        client.close()
