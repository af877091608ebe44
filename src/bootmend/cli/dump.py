"""`bootmend dump`: what a crash dump says, without Windows and without its debugger."""

from __future__ import annotations

from typing import Annotated

import typer

from bootmend.cli.options import AsJson

Source = Annotated[str, typer.Argument(metavar="DUMP", help="A crash dump: MEMORY.DMP or one of \\Windows\\Minidump.")]
ShowModules = Annotated[bool, typer.Option("--modules", help="List the modules too.")]


def dump(source: Source, modules: ShowModules = False, json: AsJson = False) -> None:
    """Say why Windows stopped, from a crash DUMP: the stop code, the driver it blames, the debugger's fields.

    Nothing is written.
    """
    from bootmend.cli.output import console, put_document
    from bootmend.disk.container import open_disk
    from bootmend.dumps import open_dump
    from bootmend.dumps.verdict import judge
    from bootmend.reports import dump as report

    with open_disk(source) as device:
        opened = open_dump(device, source)
        verdict = judge(opened)
        if json:
            put_document(report.document(opened, verdict))
            return
        out = console()
        for line in report.summary(opened, verdict):
            out.print(line, soft_wrap=True)
        out.print("")
        for line in report.text(opened, verdict):
            out.print(line, soft_wrap=True)
        if modules:
            out.print("")
            for line in report.module_lines(opened):
                out.print(line, soft_wrap=True)
