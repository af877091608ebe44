"""`bootmend azure simulate`: a double of Azure on this computer, for trying the other commands out."""

from __future__ import annotations

import json as text
from pathlib import Path
from typing import Annotated

import typer

from bootmend.errors import Misuse
from bootmend.texts import say

Machines = Annotated[
    list[str], typer.Option("--vm", metavar="NAME=DISK", help="A Windows machine that boots from that disk file.")
]
Healthy = Annotated[
    list[str],
    typer.Option("--healthy", metavar="NAME=DISK", help="It starts only once it is mended as this disk of its twin."),
]
State = Annotated[Path | None, typer.Option("--state", metavar="DIR", help="Keep its state there.")]
Port = Annotated[int, typer.Option("--port", help="Default: any that is free.")]
Pace = Annotated[float, typer.Option("--pace", help="How much faster than Azure it works.")]
Limits = Annotated[bool, typer.Option("--limits", help="Throttle as Azure does.")]


def simulate(
    vm: Machines = [],
    healthy: Healthy = [],
    state: State = None,
    port: Port = 0,
    pace: Pace = 20.0,
    limits: Limits = False,
) -> None:
    """Serve a double of Azure until Ctrl-C. It proves how bootmend uses Azure's interface, not how Azure behaves.

    Prints the line that lets the other commands talk to it; the disk files are never written. Without --healthy
    a machine always starts.
    """
    from bootmend.clouds.azure.simulate.serve import serve
    from bootmend.clouds.azure.simulate.throttle import Limits as Throttled

    machines, twins = _named(vm), _named(healthy)

    def tell(line: str) -> None:
        told = text.loads(line)
        typer.echo(say("azure.simulating", url=told["url"]))
        where = f"{told['url']}/?subscription={told['subscription']}&pace={pace:g}"
        typer.echo(f"    export BOOTMEND_AZURE_SIMULATOR='{where}'")

    throttled = Throttled() if limits else None
    serve(machines.items(), healthy=twins, folder=state, port=port, pace=pace, limits=throttled, tell=tell)


def _named(words: list[str]) -> dict[str, Path]:
    """NAME=DISK words. Misuse for anything else."""
    found = {}
    for word in words:
        name, _, disk = word.partition("=")
        if not name or not Path(disk).is_file():
            raise Misuse(say("azure.bad_vm", word=word))
        found[name] = Path(disk)
    return found
