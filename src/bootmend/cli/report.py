"""`bootmend report`: a result as one page for a browser or a printer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bootmend.texts import say

Result = Annotated[
    Path, typer.Argument(metavar="RESULT.json", help="What `diagnose --json` or `repair --json` printed.")
]
Out = Annotated[Path, typer.Option("-o", "--output", metavar="REPORT.html", help="The page to make; never an old one.")]


def report(result: Result, output: Out) -> None:
    """Make a page of a result: what was found, where the boot stops, what was done. It holds all it needs."""
    from bootmend.reports.new_file import NewFile
    from bootmend.reports.page import html
    from bootmend.reports.result_file import read_result

    page = html(read_result(result))
    with NewFile(output) as new:
        new.file.write(page.encode("utf-8", "backslashreplace"))
    typer.echo(say("page.made", file=output))
