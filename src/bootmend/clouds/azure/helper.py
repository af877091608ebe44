"""The way by a helper: a copy of the disk is attached to a small Linux machine and repaired there.

    copy      a disk from the run's snapshot: Azure makes it, whatever its size
    parcel    a small disk with bootmend and its orders, filled from here
    attach    both, in one call; the helper is found or made
    run       bootmend's own `repair` on the copy, and `diagnose` after it; the results go onto the parcel
    detach    both; the results are read off the parcel, the parcel goes

Each step finds its own work by name. After a crash all but the copy of the snapshot is done again: the copy is made
anew, because half a repair on it would be nobody's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from azure.mgmt.compute.models import (
    CreationData,
    Disk,
    DiskProperties,
    DiskSku,
    VirtualMachineRunCommandInstanceView,
)

from bootmend.clouds.azure.cloud import AzureCloud
from bootmend.clouds.azure.disks import FOOTER, WRITE, facts_of, like
from bootmend.clouds.azure.helper_choice import opened, place_of, tags_for
from bootmend.clouds.azure.helper_machine import Place, Wanted
from bootmend.clouds.azure.ids import DISK, ResourceId
from bootmend.clouds.azure.machines import disk_id
from bootmend.clouds.azure.parcel import PROGRAM_AT, Places, header, lay_out, read_header, read_results
from bootmend.clouds.mending import Cause, Mended, Outcome
from bootmend.clouds.naming import PARCEL, REPAIRED, name_of, tags_of
from bootmend.clouds.portable import portable, processor
from bootmend.clouds.run import Run, Store
from bootmend.disk.page_blob import UploadBlob
from bootmend.errors import BootmendError, InputError, Misuse, Refused
from bootmend.lab.disk_file import vhd_footer
from bootmend.repair import Progress
from bootmend.texts import say

_SECONDS = 5000
"""The most that a command may take; Azure ends extensions after 5,400."""
_CHUNK = 4 << 20


@dataclass(slots=True)
class Orders:
    """What every disk of a batch is repaired with."""

    trust: list[str] = field(default_factory=list)
    """Root certificates, a byte a character."""
    donors: Path | None = None
    """An archive (donor_pack.py)."""


@dataclass(frozen=True, slots=True)
class Program:
    """The archive as it was when the parcel was filled: it may be made anew meanwhile."""

    path: Path
    length: int
    digest: str

    @classmethod
    def of(cls, archive: Path) -> Program:
        with archive.open("rb") as file:
            return cls(archive, archive.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())


@dataclass(slots=True)
class Helper:
    cloud: AzureCloud
    store: Store
    wanted: Wanted
    orders: Orders

    def mend(self, run: Run, tell: Progress) -> Mended:
        self.prepare(run, tell)
        [mended] = self.mend_all([run], tell)
        if isinstance(mended, BootmendError):
            raise mended
        return mended

    def prepare(self, run: Run, tell: Progress) -> None:
        """The copy of the run's disk, made anew: half a repair that a crash left on it would be nobody's."""
        if processor() != "x86_64":
            raise Refused(say("azure.other_processor", kind=processor()), say("azure.other_processor_next"))
        for role in (REPAIRED, PARCEL):
            self._clear(made_for(run, role))
        old, made = disk_id(run.old_disk), made_for(run, REPAIRED)
        tell(say("azure.copying_disk", name=run.name))
        creation = CreationData(create_option="Copy", source_resource_id=run.backup)
        template = self.cloud.disks.get(old)
        self.cloud.disks.create(made, like(template, creation, tags_of(run.machine, run.id, REPAIRED, run.old_disk)))

    def check(self, run: Run, _tell: Progress, /) -> list[Cause]:
        """As the helper found it when all was written and flushed; the disk was detached right after."""
        check = (self.store.result(run) or {}).get("check")
        if not isinstance(check, dict):
            raise InputError(say("many.not_checked"))
        return [
            (str(one["rule"]), str(one["subject"]).lower())
            for one in check.get("findings", [])
            if one.get("severity") == "cause"
        ]

    def mend_all(self, runs: Sequence[Run], tell: Progress) -> list[Mended | BootmendError]:
        """Machines of one region and zone that are prepared, as many as the helper takes; of each what came of it."""
        if len(runs) >= self.wanted.data_disks:
            raise Misuse(say("azure.too_many_disks", count=len(runs), most=self.wanted.data_disks - 1))
        tell(say("azure.helper_ready"))
        helper, taken = opened(self.cloud, self.place_of(runs[0]), self.wanted, runs[0].id, tags_for(runs[0]))
        luns = helper.free_luns(len(runs) + 1, taken)
        copies = [made_for(run, REPAIRED) for run in runs]
        tell(say("azure.packing"))
        program = Program.of(portable())
        parcel = self.parcel(runs, luns, program)
        disks = [*map(str, copies), str(parcel)]
        try:
            helper.attach(dict(zip(disks, luns, strict=True)))
            tell(say("azure.helper_runs", name=helper.id.name))
            script = _script(luns[-1], program)
            view, trouble = helper.tried(f"bootmend-{runs[0].id}", script, _SECONDS)
        except BaseException:
            helper.detach_if_there(disks)
            raise
        helper.detach(disks)
        try:
            with self.cloud.reading(str(parcel)) as device:
                results = read_results(device, read_header(device))
        except InputError as error:
            raise trouble or no_results(helper.id.name, view, error) from error
        self.cloud.remove(str(parcel))
        return [self.mended(copy, one) for copy, one in zip(copies, results, strict=True)]

    def place_of(self, run: Run) -> Place:
        """Where its helper is: in the region and zone of its machine, for a disk of several zones has none itself."""
        return place_of(run, self.wanted, str(run.options.get("place") or self.cloud.find(run.machine).place))

    def _clear(self, left: ResourceId) -> None:
        """Takes off and removes what a crash left behind, once whatever still works on it has ended."""
        found = self.cloud.disks.find(left)
        if found is None:
            return
        if found.managed_by:
            self.cloud.helper(ResourceId.parse(found.managed_by)).settle()
        self.cloud.close_access(str(left))
        self.cloud.remove(str(left))

    def parcel(
        self, runs: Sequence[Run], luns: Sequence[int], program: Program, *, mark: str = "", seconds: int = 0
    ) -> ResourceId:
        """A disk with the orders for the copies of these runs; `seconds` is the most that each of them may take."""
        run = runs[0]
        made, place = made_for(run, PARCEL), self.place_of(run)
        orders = _bytes_of([self._order(one, lun, seconds) for one, lun in zip(runs, luns, strict=False)])
        donors = self.orders.donors
        places = lay_out(program.length, len(orders), mark, donors.stat().st_size if donors is not None else 0)
        creation = CreationData(create_option="Upload", upload_size_bytes=places.size + FOOTER)
        template = self.cloud.disks.get(made_for(run, REPAIRED))
        tags = {**dict(self.wanted.tags), **tags_of(run.machine, run.id, PARCEL)}
        body = Disk(
            location=place.location,
            zones=[place.zone] if place.zone else None,
            sku=DiskSku(name=self.wanted.disk_kind),
            tags=tags,
            properties=DiskProperties(creation_data=creation, encryption=facts_of(template).encryption),
        )
        self.cloud.disks.create(made, body)
        with self.cloud.link(str(made), WRITE) as link, UploadBlob(link) as blob:
            _fill(blob, places, program.path, orders, donors)
        return made

    def _order(self, run: Run, lun: int, seconds: int) -> dict[str, Any]:
        chosen = {key: list(run.options.get(key, ())) for key in ("only", "accept")}
        limit = {"seconds": seconds} if seconds else {}
        return {"device": device_of(lun), "trust": self.orders.trust, **chosen, **limit}

    def mended(self, copy: ResourceId, told: dict[str, Any]) -> Mended | BootmendError:
        code, document = told.get("code"), told.get("document")
        if not isinstance(document, dict):
            words = str(told.get("told", "")).strip() or say("azure.helper_said_nothing", code=code)
            if code == 3:
                return Refused(say("azure.on_helper", told=words))
            return InputError(say("azure.on_helper", told=words))
        document = {**document, "check": told.get("check")}
        if document.get("commit") and not isinstance(document["check"], dict):
            return InputError(say("many.not_checked"))
        if not document.get("commit"):
            healthy = bool(document.get("healthy"))
            return Mended(Outcome.HEALTHY if healthy else Outcome.NOTHING_POSSIBLE, document)
        return Mended(Outcome.REPAIRED, document, str(copy))


def no_results(name: str, view: VirtualMachineRunCommandInstanceView | None, error: InputError) -> InputError:
    """With the last that the command said."""
    said = ((view.error or view.output or "") if view is not None else "").strip().splitlines()
    code = view.exit_code if view is not None else "?"
    return InputError(say("azure.helper_failed", name=name, code=code, why=(said or [str(error)])[-1]))


def made_for(run: Run, role: str) -> ResourceId:
    """The disk of that role that a run makes: it is found by its name."""
    old = disk_id(run.old_disk)
    return ResourceId(old.subscription, old.group, DISK, name_of(run.name, run.id, role))


def _bytes_of(orders: list[dict[str, Any]]) -> bytes:
    return json.dumps(orders).encode()


def _fill(blob: UploadBlob, places: Places, archive: Path, orders: bytes, donors: Path | None) -> None:
    """Whole sectors only; the footer makes a disk of it."""
    blob.write(0, header(places))
    _fill_file(blob, places.program, archive)
    if donors is not None:
        _fill_file(blob, places.donors, donors)
    blob.write(places.orders, orders + bytes(-len(orders) % 512))
    blob.write(places.size, vhd_footer(places.size, uuid4()))


def _fill_file(blob: UploadBlob, at: int, path: Path) -> None:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            blob.write(at, chunk + bytes(-len(chunk) % 512))
            at += len(chunk)


def device_of(lun: int) -> str:
    """By SCSI and by NVMe: https://learn.microsoft.com/azure/virtual-machines/linux/azure-virtual-machine-utilities"""
    return f"disk/azure/scsi1/lun{lun}|disk/azure/data/by-lun/{lun}"


def _script(lun: int, program: Program) -> str:
    """Runs as root under any POSIX shell. DEV stands for /dev where the double presents disks as files."""
    one, other = device_of(lun).split("|")
    return f"""set -eu
export BOOTMEND_DEV="${{DEV:-/dev}}"
for wait in $(seq 600); do
    for parcel in "$BOOTMEND_DEV/{one}" "$BOOTMEND_DEV/{other}"; do
        [ ! -e "$parcel" ] || break 2
    done
    sleep 0.2
done
work=$(mktemp -d "${{TMPDIR:-/tmp}}/bootmend.XXXXXX")
trap 'rm -rf "$work"' EXIT
dd if="$parcel" of="$work/program.tar.gz" bs={PROGRAM_AT} skip=1 count={-(-program.length // PROGRAM_AT)} status=none
truncate -s {program.length} "$work/program.tar.gz"
echo "{program.digest}  $work/program.tar.gz" | sha256sum -c --quiet -
mkdir "$work/program"
tar -xzf "$work/program.tar.gz" -C "$work/program"
export BOOTMEND_RUN="$work/program/run"
"$BOOTMEND_RUN" bootmend.clouds.azure.inside "$parcel" "$work/disks"
"""
