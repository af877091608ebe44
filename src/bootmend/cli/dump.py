"""`bootmend dump`: what a crash dump says, without Windows and without its debugger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bootmend.cli.options import AsJson, Trusted
from bootmend.texts import say

if TYPE_CHECKING:
    from bootmend.cli.dump_sources import Beside
    from bootmend.disk.device import BlockDevice
    from bootmend.dumps import Dump
    from bootmend.dumps.verdict import Verdict
    from bootmend.windows.installation import Windows

Source = Annotated[
    str,
    typer.Argument(
        metavar="DUMP|DISK", help="A crash dump, or the disk of a machine: the newest dump on it is read in place."
    ),
]
ShowModules = Annotated[bool, typer.Option("--modules", help="List the modules too.")]
SymbolPaths = Annotated[
    list[str],
    typer.Option(
        "--symbols",
        metavar="DIR",
        help="A folder of PDB files, a symbol store, or a path as in _NT_SYMBOL_PATH. Nothing is downloaded.",
    ),
]
ImagePaths = Annotated[
    list[str],
    typer.Option(
        "--images",
        metavar="DIR|DISK",
        help="Where the kernel and the drivers that ran are: a folder, a symbol store, a machine's disk.",
    ),
]


def dump(
    source: Source,
    symbols: SymbolPaths = [],
    images: ImagePaths = [],
    modules: ShowModules = False,
    trust: Trusted = [],
    json: AsJson = False,
) -> None:
    """Say why Windows stopped, from a crash dump: the stop code, the driver it blames, the debugger's fields.

    On a disk: MEMORY.DMP, Minidump\\*.dmp, DedicatedDumpFile or a dump still in pagefile.sys. Nothing is written.
    """
    from bootmend.cli.dump_sources import beside
    from bootmend.cli.session import given
    from bootmend.disk.container import open_disk
    from bootmend.dumps import open_dump
    from bootmend.dumps.foreign import foreign, neither
    from bootmend.dumps.reader import looks_like_dump
    from bootmend.errors import InputError, Missing
    from bootmend.windows.discovery import find_windows
    from bootmend.windows.image import Image

    with open_disk(source) as device, beside(symbols, images) as found:
        if looks_like_dump(device):
            _tell(open_dump(device, source), found, [], modules=modules, json=json)
            return
        if other := foreign(device, source):
            raise InputError(other)
        with given(trust, []) as what:
            image = Image(device)
            try:
                try:
                    windows = find_windows(image, what)[0]
                except Missing as reason:
                    raise Missing(neither(device, source, reason)) from reason
                _of_disk(windows, device, found, modules=modules, json=json)
            finally:
                image.close()


def _of_disk(windows: Windows, device: BlockDevice, found: Beside, *, modules: bool, json: bool) -> None:
    from bootmend.dumps import open_dump
    from bootmend.errors import Missing
    from bootmend.formats.filetime import shown
    from bootmend.windows.crash_files import crash_files
    from bootmend.windows.crash_witness import Age, age_of

    listed = crash_files(windows)
    if not listed.found:
        raise Missing(" ".join([say("dumps.none_here", disk=device.name), *listed.unread]))
    newest, *others = listed.found
    told = [say("dumps.of_disk", where=newest.where)]
    told += [say("dumps.other", where=one.where, when=shown(one.header.system_time)) for one in others]
    told += listed.unread
    age = age_of(newest, listed, windows.timeline)
    if age not in (Age.FRESH, Age.TOOL):
        told.append(say(f"crash.{age.value}"))
    _tell(open_dump(newest.file, newest.where), found, told, windows=windows, modules=modules, json=json)


def _tell(
    opened: Dump, found: Beside, first: list[str], *, windows: Windows | None = None, modules: bool, json: bool
) -> None:
    from bootmend.cli.output import console, put_document
    from bootmend.dumps.names import Names
    from bootmend.dumps.stack import walk
    from bootmend.dumps.verdict import judge
    from bootmend.reports import dump as report
    from bootmend.windows.crash_suspects import with_suspects

    stack = walk(opened, names=Names(opened, found.images(windows), found.symbols))
    verdict = judge(opened, stack)
    if windows is not None:
        verdict = with_suspects(verdict, opened, windows)
    session = found.session()
    first = [*first, *found.told]
    if json:
        document: dict[str, Any] = report.document(opened, verdict, stack, session)
        document["notes"] = [*first, *document["notes"], *_of_now(windows, verdict)]
        put_document(document)
        return
    out = console()
    lines = [*first, *report.summary(opened, verdict), "", *report.text(opened, verdict, stack, session)]
    if modules:
        lines += ["", *report.module_lines(opened)]
    for line in lines:
        out.print(line, soft_wrap=True)
    # Asking every catalog of the disk takes longer than reading the dump: nobody waits for the verdict meanwhile.
    for line in _of_now(windows, verdict):
        out.print(f"\n{line}", soft_wrap=True)


def _of_now(windows: Windows | None, verdict: Verdict) -> list[str]:
    """What the signature audit of the disk says today of the file that the dump names."""
    from bootmend.windows.crash_audit import audit_sentence

    return [] if windows is None else list(filter(None, [audit_sentence(windows, verdict)]))
