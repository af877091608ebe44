"""`bootmend enable`: turn the article's switches on, and remember what stood there."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from bootmend.cli.options import Accept, AsJson, Disk, JournalDir
from bootmend.texts import say

SwitchWords = Annotated[
    list[str], typer.Argument(metavar="SWITCH", help="serial-console, crash-dump, safe-mode, crash-debug.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would change; write nothing.")]
Minimal = Annotated[bool, typer.Option("--minimal", help="serial-console: only /ems and /emssettings.")]
Mode = Annotated[
    Literal["network", "minimal", "dsrepair"] | None,
    typer.Option("--mode", help="safe-mode: network by default, dsrepair on a domain controller."),
]
DumpType = Annotated[
    Literal["kernel", "automatic", "complete", "small"] | None,
    typer.Option("--type", help="crash-dump: kernel by default."),
]
ArticleExact = Annotated[
    bool, typer.Option("--article-exact", help="crash-debug: the article's lines for the boot manager as well.")
]


def enable(
    disk: Disk,
    switches: SwitchWords,
    minimal: Minimal = False,
    mode: Mode = None,
    dump_type: DumpType = None,
    article_exact: ArticleExact = False,
    dry_run: DryRun = False,
    accept: Accept = [],
    journal_dir: JournalDir = None,
    json: AsJson = False,
) -> None:
    """Turn switches of the Windows on DISK on, all in one commit.

    What stood there before goes into the journal, and `disable` puts exactly that back.
    """
    from bootmend.cli.editing import changing
    from bootmend.cli.output import console
    from bootmend.cli.switching import changes_document, layers_of, put_change, remark, show_changes, show_commit
    from bootmend.switches import Machine, Options, captured_to_json, switches_named, turn_on

    named = switches_named(switches)
    options = Options(minimal, mode, dump_type, article_exact)
    options.check(named)
    with changing(disk, "enable", journal_dir=journal_dir, accept=accept, dry_run=dry_run) as change:
        machine = Machine(change.edit.windows, change.edit.desk)
        remark(machine.windows.chain.notes)
        layers = layers_of(disk, journal_dir, change.edit.device)
        known = {switch.name for switch in named if layers.held_by(switch.name)}
        turned = turn_on(machine, {switch: options.variant(switch, machine) for switch in named}, layers)
        change.meta["switches"] = [one.switch.name for one in turned]
        change.meta["captured"] = captured_to_json({one.switch.name: one.captured for one in turned})
        # A machine that had it all by itself must have it after `disable` too: that it was so is put down.
        change.record = any(one.switch.name not in known for one in turned)
    for one in turned:
        remark(one.remarks)
        if not json:
            word = "switches.on" if one.changed else "switches.on_already"
            console().print(say(word, switch=one.switch.name, variant=one.variant), markup=False)
            show_changes(one.changed)
    if json:
        rows = [
            {
                "switch": one.switch.name,
                "variant": one.variant,
                "changes": changes_document(one.changed),
                "remarks": one.remarks,
            }
            for one in turned
        ]
        put_change("enable", disk, change, rows)
    else:
        show_commit(change)
