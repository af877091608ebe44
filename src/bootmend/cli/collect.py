"""`bootmend collect`: what a support engineer would want of this machine, in one file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from bootmend.cli.options import AsJson, Disk, Donors, JournalDir, Trusted
from bootmend.texts import say

Out = Annotated[
    Path, typer.Option("-o", "--output", metavar="BUNDLE.zip", help="The zip file to make; never an old one.")
]
DumpPart = Annotated[
    Literal["none", "mini", "full"],
    typer.Option(
        "--dump",
        help="Of the newest crash dump: nothing; the pages its analysis stands on; all of it, with the secrets "
        "that were in memory.",
    ),
]


def collect(
    disk: Disk,
    output: Out,
    dump: DumpPart = "mini",
    donor: Donors = [],
    trust: Trusted = [],
    journal_dir: JournalDir = None,
    json: AsJson = False,
) -> None:
    """Collect what support would want to see of the Windows on DISK into one zip file. The disk is not written to.

    The diagnosis, drivers and signatures, boot stores, keys of the registry that bear on the boot, logs, and of the
    newest crash dump what --dump says. Never SAM, SECURITY or anything of users' folders.
    """
    from bootmend.cli.output import console, put_document, written
    from bootmend.cli.session import given, progress, settle
    from bootmend.disk.container import open_disk
    from bootmend.repair import diagnose as run
    from bootmend.reports.bundle import Bundle
    from bootmend.reports.collected import Collected, readme
    from bootmend.reports.collected import collect as gather
    from bootmend.reports.collected_dump import collect_dump
    from bootmend.reports.terminal import show_diagnosis, size

    started = datetime.now(UTC)
    settle(disk, journal_dir)
    with (
        open_disk(disk) as device,
        given(trust, donor) as what,
        progress() as tell,
        Bundle(output, device.name) as bundle,
    ):
        result = run(device, what, progress=tell)
        try:
            tell(say("collect.progress"))
            gather(bundle, Collected(device, result, started, written(lambda out: show_diagnosis(out, result))))
            collect_dump(bundle, result.windows, dump)
            bundle.add("README.txt", "README", readme(bundle, device.name, started, dump))
        finally:
            result.image.close()
    if json:
        put_document(bundle.manifest)
        return
    out = console()
    out.print(say("collect.done", file=output, count=len(bundle.contents.files) + 1, size=size(output.stat().st_size)))
    for item in bundle.contents.left_out:
        out.print(say("collect.left_out", **item))
    if any(one.name.endswith("full.dmp") for one in bundle.contents.files):
        out.print(say("collect.full_warning"))
