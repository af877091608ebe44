"""`bootmend dump`: what a crash dump says, without Windows and without its debugger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bootmend.cli.options import AsJson
from bootmend.errors import Missing
from bootmend.texts import say

if TYPE_CHECKING:
    from bootmend.disk.device import BlockDevice
    from bootmend.dumps import Dump
    from bootmend.dumps.stack import Stack

Source = Annotated[
    str,
    typer.Argument(
        metavar="DUMP|DISK", help="A crash dump, or the disk of a machine: the newest dump on it is read in place."
    ),
]
ShowModules = Annotated[bool, typer.Option("--modules", help="List the modules too.")]


def dump(source: Source, modules: ShowModules = False, json: AsJson = False) -> None:
    """Say why Windows stopped, from a crash dump: the stop code, the driver it blames, the debugger's fields.

    On a disk: MEMORY.DMP, Minidump\\*.dmp, DedicatedDumpFile or a dump still in pagefile.sys. Nothing is written.
    """
    from bootmend.disk.container import open_disk
    from bootmend.dumps import open_dump
    from bootmend.dumps.header import PROGRAM
    from bootmend.dumps.reader import looks_like_dump
    from bootmend.dumps.stack import walk

    with open_disk(source) as device:
        if looks_like_dump(device) or device.read(0, min(4, device.size)) == PROGRAM:
            opened = open_dump(device, source)
            _tell(opened, walk(opened), [], modules=modules, json=json)
        else:
            _of_disk(device, modules=modules, json=json)


def _of_disk(device: BlockDevice, *, modules: bool, json: bool) -> None:
    from bootmend.dumps import open_dump
    from bootmend.dumps.stack import walk
    from bootmend.formats.filetime import shown
    from bootmend.signing.roots import Trust
    from bootmend.windows.crash_files import crash_files
    from bootmend.windows.crash_images import image_finder
    from bootmend.windows.discovery import find_windows
    from bootmend.windows.donor import Given
    from bootmend.windows.image import Image

    image = Image(device)
    try:
        windows = find_windows(image, Given(Trust()))[0]
        listed = crash_files(windows)
        if not listed.found:
            raise Missing(" ".join([say("dumps.none_here", disk=device.name), *listed.unread]))
        newest, *others = listed.found
        told = [say("dumps.of_disk", where=newest.where)]
        told += [say("dumps.other", where=one.where, when=shown(one.header.system_time)) for one in others]
        told += listed.unread
        if listed.ran_since:
            told.append(say("dumps.stale", when=shown(listed.written)))
        opened = open_dump(newest.file, newest.where)
        _tell(opened, walk(opened, image_finder(windows)), told, modules=modules, json=json)
    finally:
        image.close()


def _tell(opened: Dump, stack: Stack, first: list[str], *, modules: bool, json: bool) -> None:
    from bootmend.cli.output import console, put_document
    from bootmend.dumps.verdict import judge
    from bootmend.reports import dump as report

    verdict = judge(opened, stack)
    if json:
        document: dict[str, Any] = report.document(opened, verdict, stack)
        document["notes"] = [*first, *document["notes"]]
        put_document(document)
        return
    out = console()
    lines = [*first, *report.summary(opened, verdict), "", *report.text(opened, verdict, stack)]
    if modules:
        lines += ["", *report.module_lines(opened)]
    for line in lines:
        out.print(line, soft_wrap=True)
