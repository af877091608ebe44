"""`bootmend azure`: the same repairs from a virtual machine's name; one file a command."""

from __future__ import annotations

import typer

from bootmend.cli.azure.confirm import confirm
from bootmend.cli.azure.diagnose import diagnose
from bootmend.cli.azure.list import list_machines
from bootmend.cli.azure.repair import repair
from bootmend.cli.azure.simulate import simulate
from bootmend.cli.azure.status import status
from bootmend.cli.azure.undo import undo
from bootmend.cli.azure.watch import watch

azure = typer.Typer(
    help="Virtual machines in Azure: diagnose, repair and watch them without a recovery machine.",
    no_args_is_help=True,
    epilog="Signs in as `az` does, and takes its words -n NAME, --ids ID and -o json. Costs, permissions and what was "
    "never run on Azure: docs/azure.md.",
)

azure.command()(diagnose)
azure.command()(repair)
azure.command()(undo)
azure.command()(confirm)
azure.command()(status)
azure.command()(watch)
azure.command("list")(list_machines)
azure.command()(simulate)
