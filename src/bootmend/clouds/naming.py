"""Names and tags of what a run makes: they follow from the run's id, so that a step done again finds its own work."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

OURS = "bootmend-"
"""What all our tags begin with."""

RUN = "bootmend-run"
MACHINE = "bootmend-machine"
ROLE = "bootmend-role"
OLD_DISK = "bootmend-old-disk"
"""On a repaired disk: the id of the one it replaces, for an undo from another computer."""

RAN = "bootmend-ran"
"""On a backup: whether the machine ran before ("yes", "no"), for whoever has to put it back as it was."""

JOB = "bootmend-job"
"""On a helper that several runs share: it belongs to none of them and goes with the last. On their backups, too."""

HELPER_GROUP = "bootmend-helper-group"
"""On a backup: the resource group its run's helper was asked into, where that is another than the machine's."""

BUSY = "bootmend-busy"
"""On a helper that stays: the run or job that works on it, and since when; FREE where none does."""
FREE = "-"

SUBNET = "bootmend-subnet"
"""On a helper that was put into a subnet of somebody's: it has no network of its own to take along."""

BACKUP, REPAIRED, PARCEL, HELPER = "backup", "repaired", "parcel", "helper"
LOOK = "look"
"""Of a snapshot that is only read and goes at once; also the `how` of such a run."""

_LONGEST = 80
"""Characters of a disk's or snapshot's name in Azure ("Naming rules and restrictions for Azure resources")."""
_LONGEST_TAG = 256
_RUN_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{6}")


def new_run_id(now: datetime | None = None) -> str:
    """Sorts by time; 24 random bits keep two runs of the same second apart."""
    return f"{now or datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def name_of(machine: str, run: str, role: str) -> str:
    """`vm7-bootmend-20260102-030405-a1b2c3-backup`: letters, digits and dashes, at most 80 characters."""
    tail = f"-bootmend-{run}-{role}"
    plain = re.sub(r"[^A-Za-z0-9-]", "-", machine.rsplit("/", 1)[-1]).strip("-") or "machine"
    return plain[: _LONGEST - len(tail)] + tail


def is_run_id(text: str) -> bool:
    """A tag is anybody's to write, and a run's id becomes the name of a file here."""
    return _RUN_ID.fullmatch(text) is not None


def is_named_for(name: str, run: str, role: str) -> bool:
    """Tags wander to copies that others make, such as restored backups; the name of a disk never changes."""
    return is_run_id(run) and name.lower().endswith(f"-bootmend-{run}-{role}".lower())


def tags_of(machine: str, run: str, role: str, old_disk: str = "") -> dict[str, str]:
    tags = {RUN: run, MACHINE: machine[-_LONGEST_TAG:], ROLE: role}
    return {**tags, OLD_DISK: old_disk[-_LONGEST_TAG:]} if old_disk else tags


def marks_of(ran: bool, options: Mapping[str, Any]) -> dict[str, str]:
    """Tags of a backup that tell another computer what only the record of its run would tell."""
    told = {RAN: "yes" if ran else "no", JOB: options.get("job"), HELPER_GROUP: options.get("helper", {}).get("group")}
    return {key: str(value) for key, value in told.items() if value}


def other_marks(tags: Mapping[str, str]) -> dict[str, str]:
    """Those of `marks_of` among the tags of something. Anybody may have written them: a job is named as a run is."""
    return {key: tags[key] for key in (RAN, JOB, HELPER_GROUP) if key in tags and (key != JOB or is_run_id(tags[key]))}
