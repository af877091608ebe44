"""`bootmend status`: how the article's switches stand."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from bootmend import __version__
from bootmend.cli.options import AsJson, Disk, JournalDir
from bootmend.errors import InputError
from bootmend.texts import say

if TYPE_CHECKING:
    from bootmend.switches import Seen, Standing


def status(disk: Disk, journal_dir: JournalDir = None, json: AsJson = False) -> None:
    """Show how the switches of the Windows on DISK stand. Nothing is written."""
    from bootmend.cli.output import console, put_document
    from bootmend.cli.session import settle
    from bootmend.cli.switching import remark
    from bootmend.disk.container import open_disk
    from bootmend.reports import document
    from bootmend.signing.roots import Trust
    from bootmend.switches import SWITCHES, Machine, standing
    from bootmend.windows.discovery import find_windows
    from bootmend.windows.donor import Given
    from bootmend.windows.image import Image

    settle(disk, journal_dir)
    stands: list[Standing] = []
    notes: list[str] = []
    with open_disk(disk) as device:
        image = Image(device)
        windows = find_windows(image, Given(Trust()))[0]
        machine = Machine(windows)
        for name, switch in SWITCHES.items():
            try:
                stands.append(standing(machine, switch))
            except InputError as error:
                notes.append(say("switches.no_place", switch=name, why=error))
        if not stands:
            raise InputError(" ".join(notes))
        with suppress(InputError):  # a hive that cannot be read was told above
            notes += machine.notes
        described = document.windows(windows)
        image.close()
    remark(notes)
    if json:
        put_document(
            {
                "schema": "bootmend.status/1",
                "bootmend": __version__,
                "disk": device.name,
                "windows": described,
                "switches": [_row(one) for one in stands],
                "notes": notes,
            }
        )
        return
    out = console()
    for one in stands:
        word = "switches.standing_off" if one.state == "off" else "switches.standing"
        out.print(say(word, switch=one.switch.name, state=one.state, variant=one.variant), markup=False)
        for seen in one.seen:
            out.print(_line(seen), markup=False)


def _line(seen: Seen) -> str:
    place = seen.setting.place
    mark, now = ("+" if seen.as_wanted else "-"), place.show(seen.now) or say("switches.nothing")
    if seen.as_wanted:
        return say("switches.seen", mark=mark, where=place.where, now=now)
    return say("switches.seen_wanted", mark=mark, where=place.where, now=now, wanted=place.show(seen.setting.wanted))


def _row(one: Standing) -> dict[str, Any]:
    return {
        "name": one.switch.name,
        "state": one.state,
        "variant": one.variant,
        "settings": [
            {
                "where": seen.setting.place.where,
                "value": seen.setting.place.show(seen.now),
                "wanted": seen.setting.place.show(seen.setting.wanted),
                "as_wanted": seen.as_wanted,
            }
            for seen in one.seen
        ],
    }
