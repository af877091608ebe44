"""`bootmend demo`: breaks a sample machine, diagnoses, repairs, undoes; ends with what it proved."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bootmend.errors import BootmendError
from bootmend.texts import say

if TYPE_CHECKING:
    from rich.console import Console

Size = Annotated[str, typer.Option("--size", help="Size of the (sparse) disk.")]
Keep = Annotated[Path | None, typer.Option("--keep", metavar="DIR", help="Make the machine there and keep it.")]
FAULT = "catalog-lost"
CATALOGS = 3000


class DemoFailed(BootmendError):
    """The demo did not show what it is to show: a fault in bootmend, or in this machine's libraries."""


def demo(size: Size = "127G", keep: Keep = None) -> None:
    """Break a phony Windows machine, then diagnose, repair and undo it. Touches nothing else."""
    from bootmend.cli.lab import parse_size

    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
    place: AbstractContextManager[str] = (
        nullcontext(str(keep)) if keep is not None else tempfile.TemporaryDirectory(prefix="bootmend-demo-")
    )
    with place as folder:
        _show(Path(folder) / "sample-os-disk.vhd", parse_size(size), size)


def _show(path: Path, size: int, size_text: str) -> None:
    from bootmend.cli.output import console
    from bootmend.cli.session import given, progress
    from bootmend.commit import commit, journal_folder, undo
    from bootmend.disk.container import open_disk
    from bootmend.disk.digest import data_digest
    from bootmend.lab.machine import create
    from bootmend.repair import diagnose, propose
    from bootmend.reports.terminal import predicted, show_commit, show_diagnosis, show_proposal
    from bootmend.reports.terminal import size as human

    out = console()
    started = time.monotonic()
    shutil.rmtree(path.with_name(path.name + ".bootmend"), ignore_errors=True)
    path.unlink(missing_ok=True)
    with progress() as tell:
        machine = create(path, fault=[FAULT], generation=2, size=size, catalogs=CATALOGS, progress=tell)
    with open_disk(str(path)) as device:
        before, data = data_digest(device)
    out.print(say("cli.demo_create", size=size_text, catalogs=CATALOGS), markup=False)
    seconds = f"{time.monotonic() - started:.1f}"
    out.print(say("cli.demo_created", path=path, seconds=seconds, data=human(data), digest=before[:16]), markup=False)
    with given([machine.pem], []) as what:
        _title(out, say("cli.demo_diagnose"))
        with open_disk(str(path)) as device, progress() as tell:
            first = diagnose(device, what, progress=tell)
        show_diagnosis(out, first)
        _expect(first.prediction is not None and not first.healthy, "diagnose")
        assert first.prediction is not None

        _title(out, say("cli.demo_repair"))
        with open_disk(str(path)) as device:
            with progress() as tell:
                proposal = propose(device, what, progress=tell)
            show_proposal(out, proposal)
            _expect(proposal.rehearsal is not None and proposal.worth_doing, "rehearse")
            assert proposal.rehearsal is not None
            with open_disk(str(path), writable=True) as target:
                report = commit(
                    target,
                    proposal.rehearsal.overlay.patches(),
                    journal_folder(str(path), None),
                    identity={},
                    meta={"command": "demo"},
                )
            proposal.diagnosis.image.close()
        show_commit(out, report, str(path))

        _title(out, say("cli.demo_again"))
        with open_disk(str(path)) as device, progress() as tell:
            second = diagnose(device, what, progress=tell)
        show_diagnosis(out, second)
        _expect(second.healthy and second.prediction is None, "diagnose again")

        _title(out, say("cli.demo_undo"))
        with open_disk(str(path), writable=True) as device:
            assert report.journal is not None
            undo(device, report.journal)
            after, _ = data_digest(device)
        _expect(after == before, "undo")
    found = first.prediction
    assert found.stop is not None
    out.print(
        say(
            "cli.demo_proved",
            image=found.image,
            stop=f"0x{found.stop:X}",
            status=f"0x{found.status:08X}" if found.status is not None else "-",
            diagnose=f"{first.seconds:.1f}",
            changed=human(report.bytes),
            patches=report.patches,
            digest=before[:16],
        ),
        markup=False,
        style="bold green",
    )
    out.print(predicted(found, first.stops_at), markup=False)
    out.print(say("cli.demo_phony"), markup=False)
    first.image.close()
    second.image.close()
    sys.stdout.flush()


def _title(out: Console, text: str) -> None:
    out.print(f"\n{text}", style="bold")


def _expect(seen: bool, what: str) -> None:
    if not seen:
        raise DemoFailed(say("cli.demo_failed", what=what))
