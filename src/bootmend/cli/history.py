"""`bootmend history`: what bootmend has done to a disk."""

from __future__ import annotations

from bootmend import __version__
from bootmend.cli.options import AsJson, Disk, JournalDir
from bootmend.texts import say


def history(disk: Disk, journal_dir: JournalDir = None, json: AsJson = False) -> None:
    """List the repairs of DISK, oldest first, with their journals and whether they were undone."""
    from bootmend.cli.output import console, put_document
    from bootmend.commit import history as read
    from bootmend.commit import journal_folder
    from bootmend.reports.document import stamp
    from bootmend.reports.terminal import size

    entries = read(journal_folder(disk, journal_dir))
    if json:
        put_document(
            {
                "schema": "bootmend.history/1",
                "bootmend": __version__,
                "disk": disk,
                "entries": [
                    {
                        "journal": str(entry.journal),
                        "when": stamp(entry.when),
                        "state": entry.state,
                        "patches": entry.patches,
                        "bytes": entry.bytes,
                        "problem": entry.problem,
                        **entry.meta,
                    }
                    for entry in entries
                ],
            }
        )
        return
    out = console()
    if not entries:
        out.print(say("cli.no_history", disk=disk))
    for entry in entries:
        out.print(f"{stamp(entry.when)}  {entry.state:<12} {entry.patches} / {size(entry.bytes)}  {entry.journal}")
        for finding in entry.meta.get("findings", []):
            out.print(f"    {finding['rule']}: {finding['title']}")
        if entry.problem:
            out.print(f"    {entry.problem}")
