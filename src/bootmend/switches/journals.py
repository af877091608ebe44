"""One journal, given by hand: what it captured, on this machine or another, as long as it is of this disk."""

from __future__ import annotations

from pathlib import Path

from bootmend.commit.journal import Journal, State
from bootmend.disk.device import BlockDevice
from bootmend.errors import Missing, Refused
from bootmend.switches.capture import Captured, captured_of
from bootmend.texts import say


def captured_in(path: Path, device: BlockDevice, identity: dict[str, str], switch: str) -> list[Captured]:
    """What the journal captured of the switch.

    Raises Missing where that is nothing, Refused for another disk's journal and one that was undone,
    ParseError where it is damaged.
    """
    journal = Journal(path)
    journal.check_hash()
    header = journal.header
    known = bool(header.identity.keys() & identity.keys())
    if header.contradicts(identity) is not None or (not known and header.size != device.size):
        raise Refused(say("switches.journal_of_another", journal=path, disk=device.name))
    if journal.state != State.COMMITTED:
        raise Refused(say("switches.journal_undone", journal=path))
    captured = captured_of(header.meta, str(path)).get(switch, [])
    if not captured:
        raise Missing(say("switches.journal_without", journal=path, switch=switch))
    return captured
