"""`bootmend disable`: put back exactly what stood there before `enable`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bootmend.cli.enable import DryRun, SwitchWords
from bootmend.cli.options import Accept, AsJson, Disk, JournalDir
from bootmend.texts import say

Journal = Annotated[
    Path | None, typer.Option("--journal", metavar="FILE", help="Go by this journal, of this machine or another.")
]
Force = Annotated[bool, typer.Option("--force", help="Put back what somebody changed since as well.")]


def disable(
    disk: Disk,
    switches: SwitchWords,
    journal: Journal = None,
    force: Force = False,
    dry_run: DryRun = False,
    accept: Accept = [],
    journal_dir: JournalDir = None,
    json: AsJson = False,
) -> None:
    """Turn switches of the Windows on DISK off, all in one commit.

    Each setting gets back what stood there before `enable`, whatever was repaired in between. Where no
    journal tells that, what the switch sets is taken away.
    """
    from bootmend.cli.editing import changing
    from bootmend.cli.output import console
    from bootmend.cli.session import identity_of
    from bootmend.cli.switching import changes_document, layers_of, put_change, remark, show_changes, show_commit
    from bootmend.switches import SWITCHES, WENT_BY, Machine, captured_to_json, place_to_json, switches_named, turn_off
    from bootmend.switches.journals import captured_in

    named = switches_named(switches)
    with changing(disk, "disable", journal_dir=journal_dir, accept=accept, dry_run=dry_run) as change:
        machine = Machine(change.edit.windows, change.edit.desk)
        remark(machine.windows.chain.notes)
        device = change.edit.device
        layers = layers_of(disk, journal_dir, device)
        if journal is not None:
            by = {one.name: captured_in(journal, device, identity_of(device), one.name) for one in named}
            change.meta[WENT_BY] = captured_to_json(by)
        done = {}
        for name in layers.topmost_first(switch.name for switch in named):
            captured = by[name] if journal is not None else layers.held_by(name)
            done[name] = turn_off(machine, SWITCHES[name], captured, layers, force=force)
        turned = [done[switch.name] for switch in named]
        change.meta["switches"] = [one.switch.name for one in turned]
        change.meta["disabled"] = {
            one.switch.name: {
                "back": [place_to_json(place) for place in one.back],
                "left": [place_to_json(place) for place in one.left],
            }
            for one in turned
        }
        # That its hold has ended is put down even where everything stood there already.
        change.record = any(one.back for one in turned)
    for one in turned:
        remark(one.remarks)
        if not json:
            word = "switches.off" if one.known else "switches.off_unknown"
            console().print(say(word if one.changed else "switches.off_already", switch=one.switch.name), markup=False)
            show_changes(one.changed)
    if json:
        rows = [
            {
                "switch": one.switch.name,
                "captured": one.known,
                "changes": changes_document(one.changed),
                "left": [place.where for place in one.left],
                "remarks": one.remarks,
            }
            for one in turned
        ]
        put_change("disable", disk, change, rows)
    else:
        show_commit(change)
