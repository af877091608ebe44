"""All commands on one line each; a command's own file holds its words."""

from __future__ import annotations

from typing import Annotated

import typer

from bootmend import __version__
from bootmend.cli import (
    azure,
    bcdedit,
    collect,
    demo,
    diagnose,
    disable,
    drivers,
    dump,
    enable,
    files,
    history,
    lab,
    reg,
    repair,
    report,
    rules,
    screen,
    script,
    status,
    undo,
)

app = typer.Typer(
    name="bootmend",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Anywhere on the line: --quiet silences progress, --debug shows tracebacks. "
    "Exit codes: 0 done, 1 a cause found or left, 2 wrong use, 3 refused for safety, 4 unreadable input, 5 a fault.",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"bootmend {__version__}")
        raise typer.Exit


@app.callback()
def bootmend(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Find what keeps a Windows machine from booting and repair it on its disk, with an undo for every byte."""


app.command()(demo.demo)
app.command()(diagnose.diagnose)
app.command()(repair.repair)
app.command()(undo.undo)
app.command()(history.history)
app.command()(bcdedit.bcdedit)
app.command()(reg.reg)
app.command()(drivers.drivers)
app.command()(dump.dump)
app.command()(screen.screen)
app.command()(collect.collect)
app.command()(report.report)
app.command()(status.status)
app.command()(enable.enable)
app.command()(disable.disable)
app.command()(rules.rules)
app.add_typer(lab.lab, name="lab")
app.add_typer(azure.azure, name="azure")
app.add_typer(files.files, name="files")
app.command()(script.script)
