"""`bootmend lab`: phony Windows machines to try bootmend on."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

import typer

from bootmend.cli.options import AsJson
from bootmend.errors import Misuse
from bootmend.texts import say

lab = typer.Typer(help="Phony Windows machines, healthy or broken on purpose.", no_args_is_help=True)

UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def parse_size(text: str) -> int:
    """127G, 64GiB, 2048M or a plain number of bytes."""
    match = re.fullmatch(r"(\d+)\s*([KMGT]?)(?:i?B)?", text.strip(), re.IGNORECASE)
    if match is None:
        raise Misuse(say("cli.bad_size", text=text))
    return int(match[1]) * UNITS[match[2].upper()]


Out = Annotated[
    Path, typer.Argument(metavar="OUT", help="The disk file to make; its root certificate goes to OUT.pem.")
]
FaultNames = Annotated[
    list[str], typer.Option("--fault", metavar="NAME", help="What is broken; may be given again, or joined by +.")
]
Generation = Annotated[int, typer.Option("--generation", help="1: BIOS and MBR; 2: UEFI and GPT.")]
Size = Annotated[str, typer.Option("--size", help="Size of the (sparse) disk.")]
Format = Annotated[Literal["vhd", "raw"], typer.Option("--format", help="The container of the disk.")]
SystemHive = Annotated[
    Path | None, typer.Option("--system-hive", metavar="FILE", help="Grow it around this SYSTEM hive.")
]
Bcd = Annotated[Path | None, typer.Option("--bcd", metavar="FILE", help="Grow it around this BCD store.")]
Catalogs = Annotated[int, typer.Option("--catalogs", help="How many catalogs its store holds.")]
Build = Annotated[str | None, typer.Option("--build", help="Which Windows build it pretends to be.")]


@lab.command()
def create(
    out: Out,
    fault: FaultNames = [],
    generation: Generation = 2,
    size: Size = "127G",
    container: Format = "vhd",
    system_hive: SystemHive = None,
    bcd: Bcd = None,
    catalogs: Catalogs = 3000,
    build: Build = None,
    json: AsJson = False,
) -> None:
    """Grow a phony Windows machine on a sparse disk file. Nothing on it is Microsoft's."""
    from bootmend.cli.output import put_document
    from bootmend.cli.session import progress
    from bootmend.lab.machine import create as grow

    names = [name for word in fault for name in word.split("+") if name] or ["healthy"]
    with progress() as tell:
        machine = grow(
            out,
            fault=names,
            generation=generation,
            size=parse_size(size),
            container=container,
            system_hive=system_hive,
            bcd=bcd,
            catalogs=catalogs,
            build=build,
            progress=tell,
        )
    if json:
        put_document({"schema": "bootmend.lab/1", "path": str(machine.path), "pem": str(machine.pem), **machine.truth})
    else:
        faults = " + ".join(names)
        typer.echo(say("cli.lab_created", path=machine.path, generation=generation, fault=faults, pem=machine.pem))


@lab.command("faults")
def list_faults() -> None:
    """List the faults that `lab create --fault` knows."""
    from bootmend.lab.faults import faults

    for fault in faults():
        typer.echo(fault.name)
        typer.echo(f"    {fault.description}")
