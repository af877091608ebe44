"""The double as a process of its own: `python -m bootmend.clouds.azure.simulate`."""

from __future__ import annotations

import argparse
from pathlib import Path

from bootmend.clouds.azure.simulate.serve import serve
from bootmend.clouds.azure.simulate.throttle import Limits


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bootmend.clouds.azure.simulate", description=__doc__)
    parser.add_argument("--state", type=Path, metavar="DIR", help="keep the state there")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--pace", type=float, default=100.0, help="how much faster than real time Azure works")
    parser.add_argument("--limits", action="store_true", help="throttle as Azure does")
    parser.add_argument("--vm", action="append", default=[], metavar="NAME=DISK", help="a Windows machine on that disk")
    parser.add_argument(
        "--healthy", action="append", default=[], metavar="NAME=DISK", help="what its disk should be like"
    )
    given = parser.parse_args(arguments)
    healthy = {name: Path(disk) for name, _, disk in (one.partition("=") for one in given.healthy)}
    machines = [(name, Path(disk)) for name, _, disk in (one.partition("=") for one in given.vm)]
    serve(
        machines,
        healthy=healthy,
        folder=given.state,
        port=given.port,
        pace=given.pace,
        limits=Limits() if given.limits else None,
        tell=lambda line: print(line, flush=True),  # noqa: T201  its one line of output
    )


if __name__ == "__main__":
    main()
